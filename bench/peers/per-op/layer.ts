/** All steps of a cell, one dispatch for each operation. */
import type { Signature } from '../../../codegen/frontend/tree.js';
import type { CellResult, Tensor } from '../../../runtime/data.js';
import type { RecurveDevice } from '../../../runtime/device/index.js';
import { fromList, listed, type PackedData, unpackResult } from '../packed.js';
import type { PeerLayer } from '../peer.js';
import type { PlainCell } from '../plain.js';
import { recordGradients } from './adjoint.js';
import { stepOf } from './cells.js';
import type { Activation, Value } from './operations.js';
import { Program, type ProgramSource } from './program.js';
import { Tape } from './tape.js';

type Scope = 'forward' | 'forward and backward';

interface Source extends ProgramSource {
  /** h of all steps, `[T·B, H]`. */
  readonly h: Value;
  readonly finals: readonly Value[];
  /** In the order of `listed`; none of a forward run. */
  readonly gradients: readonly Value[];
}

/** Or a sentence where the device has no room for it. */
export function perOpLayer(
  device: RecurveDevice,
  cell: PlainCell<Activation>,
  signature: Signature,
  data: PackedData,
): PeerLayer | string {
  const sources = [sourceOf(cell, data, 'forward'), sourceOf(cell, data, 'forward and backward')] as const;
  const inference = Program.make(device, sources[0]);
  if (typeof inference === 'string') return inference;
  const training = Program.make(device, sources[1]);
  if (typeof training === 'string') {
    inference.dispose();
    return training;
  }
  return {
    note:
      `one dispatch for each operation, ${inference.dispatches} forward and ${training.dispatches} with backward; products of x, and sums of ` +
      'weight gradients, are of all steps at once',
    forward: () => inference.run(),
    forwardBackward: () => training.run(),
    read: () => resultOf(training, sources[1], cell, signature, data),
    dispose() {
      inference.dispose();
      training.dispose();
    },
  };
}

function sourceOf(cell: PlainCell<Activation>, data: PackedData, scope: Scope): Source {
  const tape = new Tape();
  const given = new Map<Value, Tensor>();
  const leaf = (tensor: Tensor): Value => {
    const columns = tensor.shape.at(-1) ?? 0;
    const value = { rows: tensor.data.length / columns, columns };
    given.set(value, tensor);
    return value;
  };
  const [T = 0, B = 0] = data.x.shape;
  const units = data.recurrentKernel.shape[0] ?? 0;
  const wanted = listed(data).map(leaf);
  const [x, kernel, recurrent, bias, ...rest] = wanted as [Value, Value, Value, Value, ...Value[]];
  const inner = cell.inner === undefined ? undefined : rest.shift();
  const zeros = () => leaf({ shape: [B, units], data: new Float32Array(B * units) });
  const [h = zeros(), c = cell.kind === 'lstm' ? zeros() : undefined] = rest;

  const step = stepOf(tape, cell, { recurrent, inner });
  const driven = tape.splitRows(tape.addRow(tape.product(x, kernel), bias), T);
  // The states of all steps lie one behind the other, the first one in front: so do what h was multiplied by and what comes out.
  const states = [tape.copy(h)] as [Value, ...Value[]];
  let state: readonly [Value, Value?] = [states[0], c];
  for (const each of driven) {
    state = step(each, state);
    states.push(state[0]);
  }
  const all = tape.splitRows(tape.concat('concatRows', states), T + 1);
  const outputs = tape.concat('concatRows', all.slice(1) as [Value, ...Value[]]);
  const finals = data.ofFinals.length === 0 ? [] : state.filter((value) => value !== undefined);
  const found = { operations: tape.operations, given, h: outputs, finals };
  if (scope === 'forward') return { ...found, kept: [outputs, ...finals], gradients: [] };

  const cotangents = tape.splitRows(leaf(data.cotangent), T);
  const seeds = new Map(states.slice(1).map((value, t) => [value, cotangents[t] as Value]));
  for (const [at, final] of finals.entries()) {
    const own = leaf(data.ofFinals[at] as Tensor);
    const before = seeds.get(final);
    seeds.set(final, before === undefined ? own : tape.add(before, own));
  }
  const gradients = recordGradients(tape, seeds, wanted);
  return { ...found, kept: [outputs, ...finals, ...gradients], gradients };
}

async function resultOf(
  program: Program,
  { h, finals, gradients }: Source,
  cell: PlainCell,
  signature: Signature,
  data: PackedData,
): Promise<CellResult> {
  await program.run();
  const read = async (value: Value, { shape }: Tensor): Promise<Tensor> => ({ shape, data: await program.read(value) });
  const each = (values: readonly Value[], like: readonly Tensor[]) =>
    Promise.all(values.map((value, at) => read(value, like[at] as Tensor)));
  return unpackResult(cell, signature, {
    h: await read(h, data.cotangent),
    finals: await each(finals, data.ofFinals),
    gradients: fromList(cell, await each(gradients, listed(data))),
  });
}
