/**
 * PyTorch's names, and Paddle's, which are the same: `weight_ih_l0`, of a cell `weight_ih`; and what reparametrizations make
 * of a weight: `_g` and `_v`, `_orig` and `_mask`, `_raw`, `parametrizations.weight_hh_l0.original0`.
 */
import { RecurveError } from '../../../../codegen/errors.js';
import { listText, quote } from '../../describe.js';
import { folded, masked, sigmaNormalized } from '../reparametrize.js';
import { cellOf, type Found, type Part, type Recognized, type Scheme, type Source } from './scheme.js';

const BASE = '(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_(l\\d+(?:_reverse)?))?';
const DIRECT = new RegExp(`^(|.*[./:_-])${BASE}(?:_(raw|g|v|u|orig|mask))?$`);
const PARAMETRIZED = new RegExp(`^(|.*[./])parametrizations[./]${BASE}[./](.+)$`);

/** Which pieces make a weight, how, and what that is called; of several that fit, the first. */
const RECIPES: readonly { readonly pieces: readonly string[]; readonly made: string; readonly make?: Source['make'] }[] = [
  { pieces: ['raw'], made: 'WeightDrop: _raw is the weight' },
  { pieces: ['g', 'v'], made: 'weight_norm folded', make: folded },
  { pieces: ['original0', 'original1'], made: 'weight_norm folded', make: folded },
  { pieces: ['orig', 'u', 'v'], made: 'spectral_norm folded', make: sigmaNormalized },
  { pieces: ['original', '0._u', '0._v'], made: 'spectral_norm folded', make: sigmaNormalized },
  { pieces: ['orig', 'mask'], made: 'pruned by its mask', make: masked },
  { pieces: [''], made: '' },
];

export const TORCH_NAMES: Scheme = {
  example: 'weight_ih_l0, weight_hh_l0, … (PyTorch, Paddle)',

  part(stored, has) {
    const parametrized = PARAMETRIZED.exec(stored);
    const [, prefix = '', base, layer = '', piece = ''] = parametrized ?? DIRECT.exec(stored) ?? [];
    if (base === undefined) return undefined;
    const name = partName(base, piece.replaceAll('/', '.'));
    // fastai's WeightDropout keeps the raw weight beside the module that it wraps.
    const inner = `${prefix}module.`;
    const wraps = piece === 'raw' && has(`${inner}weight_ih${layer === '' ? '' : `_${layer}`}`);
    return { prefix: wraps ? inner : prefix, layer, name } satisfies Part;
  },

  recognize(found) {
    const bases = new Set([...found.parts].map((part) => part.split('|')[0] ?? ''));
    if (!bases.has('weight_hh') || !bases.has('weight_ih')) return [];
    const recipes = [...bases].map((base) => ({ base, recipe: recipeOf(found, base) }));
    const shape = (base: string) => found.shape(valuePart(found, base));
    const [rows = 0, columns = 0, ...more] = shape('weight_hh') ?? [];
    const projection = shape('weight_hr');
    const cell = more.length === 0 ? cellOf(rows / (projection?.[1] ?? columns)) : undefined;
    if (cell === undefined) return [];
    const recognized: Recognized = {
      format: 'torch',
      cell,
      options: projection ? { projection: true } : {},
      remarks: [
        ...(projection ? ['with a projection'] : []),
        ...recipes.flatMap(({ base, recipe }) => (recipe.made === '' ? [] : [`${base} ${recipe.made}`])),
      ],
      sources: new Map(
        recipes.map(({ base, recipe: { pieces, make } }) => [
          `${base}_l0`,
          { parts: pieces.map((piece) => partName(base, piece)), ...(make ? { make } : {}) },
        ]),
      ),
    };
    return [recognized];
  },
};

function partName(base: string, piece: string): string {
  return piece === '' ? base : `${base}|${piece}`;
}

function piecesOf(found: Found, base: string): string[] {
  return [...found.parts].flatMap((part) => {
    const [own, piece = ''] = part.split('|');
    return own === base ? [piece] : [];
  });
}

/** The piece that has the weight's own shape. */
function valuePart(found: Found, base: string): string {
  const pieces = piecesOf(found, base);
  const piece = ['raw', 'original1', 'original', 'orig', 'v', ''].find((name) => pieces.includes(name)) ?? '';
  return partName(base, piece);
}

/** @throws RecurveError `WEIGHTS-PARAMETRIZATION` where the pieces do not tell the weight */
function recipeOf(found: Found, base: string): (typeof RECIPES)[number] {
  const pieces = piecesOf(found, base);
  const recipe = RECIPES.find((candidate) => candidate.pieces.every((piece) => pieces.includes(piece)));
  // A copy of the product may lie beside its pieces, and is not read; any other piece has a meaning that would be lost.
  const known = new Set([...(recipe?.pieces ?? []), '']);
  if (recipe && pieces.every((piece) => known.has(piece))) return recipe;
  const weight = `${base}${found.layer === '' ? '' : `_${found.layer}`}`;
  const names = pieces.map((piece) => quote(piece === '' ? weight : piece.startsWith('o') ? piece : `_${piece}`));
  throw new RecurveError({
    code: 'WEIGHTS-PARAMETRIZATION',
    message: `${found.prefix}${weight} is reparametrized in a way that the file does not tell: it has ${listText(names)}`,
    fix: `Fold it before saving: torch.nn.utils.parametrize.remove_parametrizations(layer, "${weight}"), or prune.remove.`,
    where: `${found.prefix}${weight}`,
  });
}
