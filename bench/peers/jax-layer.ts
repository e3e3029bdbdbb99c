/** All steps of a cell in jax-js, traced by its `jit` into one list of fused kernels. */
import type { OwnedFunction } from '@jax-js/jax';
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, type CellResult, sizeOf, type Tensor } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { FirstRuns } from './first-runs.js';
import type { Jax, JaxArray } from './jax-activations.js';
import type { JaxCell, JaxState } from './jax-cells.js';
import { fromList, listed, packData, unpackResult } from './packed.js';
import type { PeerLayer } from './peer.js';

/** A function over flat lists, traced and compiled at its first call. It takes what it is given. */
type Traced = OwnedFunction<(...args: JaxArray[]) => JaxArray[]>;

export class JaxLayer implements PeerLayer {
  /** x `[T, B, I]`, the weights in Keras's layout, the bias behind the reset gate, and initial states where the data have some. */
  private readonly args: readonly JaxArray[];
  /** Of each step's output, `[B, H]`, then of each final state where the data have some. */
  private readonly cotangents: readonly JaxArray[];
  private readonly finals: 'asked for' | 'left out';
  private readonly inference: Traced;
  private readonly training: Traced;
  private readonly first = new FirstRuns();

  constructor(
    private readonly jax: Jax,
    private readonly device: RecurveDevice,
    private readonly cell: JaxCell,
    private readonly signature: Signature,
    private readonly sizes: Sizes,
    data: CellData,
  ) {
    const { numpy } = jax;
    const array = ({ shape, data }: Tensor) => numpy.array(data as Float32Array<ArrayBuffer>, { shape: [...shape] });
    const packed = packData(cell, signature, sizes, data);
    this.args = listed(packed).map(array);
    const ofFinals = packed.ofFinals.map(array);
    // Steps apart: cut out of one array inside the function, each would have a kernel of its own for the product that they join.
    this.cotangents = [...stepsOf(packed.cotangent).map(array), ...ofFinals];
    this.finals = ofFinals.length > 0 ? 'asked for' : 'left out';

    const steps = sizeOf(sizes, 'T');
    this.inference = jax.jit((...args: JaxArray[]) => {
      const found = this.unrolled(args);
      return [numpy.stack(found.slice(0, steps)), ...found.slice(steps)];
    });
    const count = this.cotangents.length;
    // Its vjp fails on the list of all steps' outputs: the loss is written out.
    const loss = (...args: JaxArray[]) =>
      this.unrolled(args.slice(count))
        .map((output, at) => numpy.sum(numpy.multiply(output, args[at] as JaxArray)))
        .reduce((sum, product) => numpy.add(sum, product));
    const argnums = this.args.map((_, at) => count + at);
    this.training = jax.jit((...args: JaxArray[]) => jax.grad(loss, { argnums })(...args) as JaxArray[]);
  }

  get note(): string {
    return this.first.noteAfter(`its ${sizeOf(this.sizes, 'T')} steps are unrolled, for it has no loop that its jit takes`);
  }

  async forward(): Promise<void> {
    free(await this.launch('forward', this.inference, this.args));
  }

  async forwardBackward(): Promise<void> {
    free(await this.launch('forward and backward', this.training, [...this.cotangents, ...this.args]));
  }

  async read(): Promise<CellResult> {
    const [h, ...finals] = await numbersOf(await this.launch('forward', this.inference, this.args));
    const gradients = await this.launch('forward and backward', this.training, [...this.cotangents, ...this.args]);
    if (h === undefined) throw new Error('jax-js gave fewer arrays than asked for');
    const found = { h, finals, gradients: fromList(this.cell, await numbersOf(gradients)) };
    return unpackResult(this.cell, this.signature, found);
  }

  dispose(): void {
    this.inference.dispose();
    this.training.dispose();
    free([...this.args, ...this.cotangents]);
  }

  /** Runs a traced function, waits until the device is done, and keeps what it was given. */
  private async launch(run: string, traced: Traced, args: readonly JaxArray[]): Promise<JaxArray[]> {
    const begin = performance.now();
    const results = traced(...args.map((array) => array.ref));
    await this.device.settle(this.jax.blockUntilReady(results));
    this.first.record(run, performance.now() - begin);
    return results;
  }

  /** The output of each step, `[B, H]`, then the final states that are asked for. Takes what it is given. */
  private unrolled(args: readonly JaxArray[]): JaxArray[] {
    const { numpy } = this.jax;
    const { gates, step } = this.cell;
    const [x, kernel, recurrent, bias, ...rest] = args as [JaxArray, JaxArray, JaxArray, JaxArray, ...JaxArray[]];
    const inner = this.cell.inner === undefined ? undefined : rest.shift();
    const [T = 0, B = 0, I = 0] = x.shape;
    const units = recurrent.shape[0] ?? 0;
    const zeros = () => this.signature.state.map(() => numpy.zeros([B, units]));
    let state = (rest.length > 0 ? rest : zeros()) as unknown as JaxState;
    // What x drives needs no state: one product for all steps.
    const driven = numpy.add(numpy.dot(numpy.reshape(x, [T * B, I]), kernel), bias);
    const sequence = numpy.reshape(driven, [T, B, gates.length * units]);
    const outputs: JaxArray[] = [];
    for (let t = 0; t < T; t++) {
      state = step(numpy.split(sequence.ref.slice(t), gates.length, 1), state, { recurrent, inner });
      outputs.push(state[0].ref);
    }
    free([sequence, recurrent, ...(inner === undefined ? [] : [inner])]);
    if (this.finals === 'asked for') return [...outputs, ...present(state)];
    free(present(state));
    return outputs;
  }
}

const present = (state: JaxState): JaxArray[] => state.filter((array) => array !== undefined);

function free(arrays: readonly JaxArray[]): void {
  for (const array of arrays) array.dispose();
}

/** Their numbers; takes them. */
function numbersOf(arrays: readonly JaxArray[]): Promise<Tensor[]> {
  return Promise.all(
    arrays.map(async (array): Promise<Tensor> => ({ shape: array.shape, data: Float32Array.from(await array.data()) })),
  );
}

/** `[T, …]` to T of `[…]`. */
function stepsOf({ shape: [steps = 0, ...shape], data }: Tensor): Tensor[] {
  const size = data.length / steps;
  return Array.from({ length: steps }, (_, t) => ({ shape, data: data.slice(t * size, (t + 1) * size) }));
}
