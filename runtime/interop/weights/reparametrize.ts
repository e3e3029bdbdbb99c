/** PyTorch's reparametrized weights, folded into the weight that the layer uses. In float64, rounded once. */
import { RecurveError } from '../../../codegen/errors.js';
import { elements, type Tensor } from '../../data.js';
import { shapeText } from '../describe.js';

/**
 * weight_norm (Salimans & Kingma 2016): g · v / ‖v‖. The norm runs over every axis on which g has size 1, and over all where g
 * is a scalar (`dim=None`).
 *
 * @throws RecurveError `WEIGHTS-SHAPE`
 */
export function folded(g: Tensor, v: Tensor): Tensor {
  const fits =
    g.shape.length === 0 || (g.shape.length === v.shape.length && g.shape.every((n, k) => n === 1 || n === v.shape[k]));
  if (!fits) throw shapeError('g', g, v);
  const groups = groupsOf(g.shape, v.shape);
  const squares = new Float64Array(elements(g.shape));
  v.data.forEach((value, k) => {
    squares[groups(k)] = (squares[groups(k)] ?? 0) + value * value;
  });
  return map(v, (value, k) => (value * (g.data[groups(k)] ?? 0)) / Math.sqrt(squares[groups(k)] ?? 0));
}

/**
 * spectral_norm (Miyato et al. 2018) as an evaluating PyTorch computes it: W / (u · W v), with the vectors that the file
 * holds. Their lengths tell along which axis W is a matrix: rows first, unless only columns fit.
 *
 * @throws RecurveError `WEIGHTS-SHAPE`
 */
export function sigmaNormalized(weight: Tensor, u: Tensor, v: Tensor): Tensor {
  const [rows = 0, columns = 0] = weight.shape;
  const fits = (m: number, n: number) => weight.shape.length === 2 && u.data.length === m && v.data.length === n;
  const upright = fits(rows, columns);
  if (!upright && !fits(columns, rows)) throw shapeError('u and v', u, weight);
  const [left, right] = upright ? [u.data, v.data] : [v.data, u.data];
  let sigma = 0;
  weight.data.forEach((value, k) => {
    sigma += (left[Math.floor(k / columns)] ?? 0) * value * (right[k % columns] ?? 0);
  });
  return map(weight, (value) => value / sigma);
}

/** prune: what the mask keeps. */
export function masked(weight: Tensor, mask: Tensor): Tensor {
  if (mask.shape.join() !== weight.shape.join()) throw shapeError('the mask', mask, weight);
  return map(weight, (value, k) => value * (mask.data[k] ?? 0));
}

/** Which element of a tensor of shape `small` an element of one of shape `large` meets when they are broadcast. */
function groupsOf(small: readonly number[], large: readonly number[]): (k: number) => number {
  if (small.length === 0) return () => 0;
  return (k) => {
    let [rest, place, stride] = [k, 0, 1];
    for (let axis = large.length - 1; axis >= 0; axis--) {
      const size = large[axis] ?? 1;
      if (small[axis] !== 1) {
        place += (rest % size) * stride;
        stride *= size;
      }
      rest = Math.floor(rest / size);
    }
    return place;
  };
}

function map({ shape, data }: Tensor, value: (old: number, k: number) => number): Tensor {
  return { shape, data: Float32Array.from(data, value) };
}

function shapeError(name: string, tensor: Tensor, weight: Tensor): RecurveError {
  return new RecurveError({
    code: 'WEIGHTS-SHAPE',
    message: `${name} of a reparametrized weight has shape ${shapeText(tensor.shape)}, which does not fit the weight's ${shapeText(weight.shape)}`,
    fix: 'Fold the reparametrization before saving: torch.nn.utils.parametrize.remove_parametrizations, or remove_weight_norm.',
    where: 'weights',
  });
}
