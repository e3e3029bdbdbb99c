/** A compiled cell on a device: the object that programs hold. */
import { RecurveError } from '../../codegen/errors.js';
import type { Plan } from '../../codegen/plan.js';
import { didYouMean } from '../../codegen/suggest.js';
import type { Supervised } from '../device/supervise.js';
import type { Direction, Executable, Grain, PassTime, Run } from '../execute/index.js';
import type { Extent } from '../memory/copy.js';
import { shapeIn } from '../memory/copy.js';
import type { PlacedTensor } from '../memory/slots.js';
import { Descent, type DescentStep, requireStep } from './descent.js';
import { extentOf, type GivenTensors, isNumbers, isTensor, requireDense, tensorsIn } from './extent.js';
import { type Field, requireForm } from './forms.js';
import { initialValues } from './init.js';
import { isDestroyed, outOfOrder, requireGradients, requireSteps } from './refusals.js';
import { assemble, choose, isGradient, resultName } from './results.js';
import type { SharedParams } from './shared-params.js';
import { type Sourced, Sources } from './sources.js';
import type {
  BackwardRequest,
  CellTypes,
  DevicePlace,
  ForwardRequest,
  ForwardResult,
  Given,
  GivenTo,
  Gradients,
  RunRequest,
  RunResult,
  StepRequest,
  StepResult,
} from './types.js';

/**
 * A compiled cell or model on a device: what `load` and `Gpu.compile` give.
 *
 * Parameters, state and results stay on the device until they are asked for. Every call writes its data and queues its
 * work before it returns, in the order of the calls: several may be awaited at once. A plan serves any T and B up to
 * those it was compiled for.
 */
export class Layer<S extends CellTypes = CellTypes> {
  /** What runs: its sizes, kernels and memory. */
  readonly plan: Plan;
  readonly #owner: Supervised;
  readonly #executable: Executable;
  readonly #params: SharedParams;
  readonly #descent: Descent;
  readonly #sources: Sources;
  /** What the weights were packed from. */
  #packed = '';
  /** Of the last forward run, whose residuals a backward run uses. */
  #last: LastRun | undefined;
  /** Whether the initial state's place holds what `'kept'` means: else the last final state is carried there first. */
  #stateIsPlaced = false;
  /** Whether a backward run's gradients are on the device: no forward run writes where they lie. */
  #hasGradients = false;
  #destroyed = false;

  /** Use `load`. @internal */
  constructor(owner: Supervised, executable: Executable, params: SharedParams) {
    this.plan = executable.plan;
    this.#owner = owner;
    this.#executable = executable;
    this.#params = params;
    this.#descent = new Descent(owner, executable);
    this.#sources = new Sources(executable);
  }

  /**
   * Puts parameters on the device, where they stay. Others keep what they hold.
   * @throws RecurveError `DATA-NAME`, `DATA-SHAPE`, `DATA-BUFFER`, `DATA-RATE`
   */
  setParams(params: Partial<GivenTo<S['params']>>): void {
    this.#check();
    const sources = this.#sources.params(params);
    this.#executable.write(this.#sources.whole, new Map(sources));
    this.#note(sources);
  }

  /** Fills all parameters as their declarations say (`init`), the same way for the same seed. */
  init(options: { readonly seed?: number } = {}): void {
    requireForm('init', options, ['seed']);
    const { seed = 0 } = options;
    this.setParams(
      Object.fromEntries(
        this.#sources
          .group('params')
          .map(({ name, path, slot }) => [
            name,
            { shape: slot.shape, data: initialValues(slot.init ?? 'uniform', slot.shape, seed, path) },
          ]),
      ) as Partial<GivenTo<S['params']>>,
    );
  }

  /** Reads the parameters back. */
  async params(): Promise<S['params']> {
    this.#check();
    const found = await this.#executable.read(this.#sources.group('params'), this.#sources.whole);
    return Object.fromEntries(this.#sources.group('params').map(({ name, path }) => [name, found.get(path)])) as S['params'];
  }

  /**
   * Forward, and backward where `request` has cotangents.
   * @throws RecurveError `DATA-*`, `RUN-EXTENT`, `RUN-MODEL`, `RUN-ORDER`, `RESULT-UNKNOWN`, `DEVICE-*`
   */
  async run(request: RunRequest<S>): Promise<RunResult<S>> {
    requireForm('run', request, RUN);
    const { cotangents, seed = 0 } = request;
    if (cotangents !== undefined) requireGradients(this.plan);
    const extent = this.#extent(request);
    const chosen = this.#results(request, cotangents === undefined ? 'forward' : 'both', extent);
    const forward = this.#sources.forward(request as ForwardRequest, extent, this.#params.missing);
    const backward = cotangents === undefined ? [] : this.#sources.cotangents(cotangents, extent);
    const state = request.state === 'kept' ? this.#keptState() : 'placed';
    this.#last = { extent, seed };
    this.#stateIsPlaced = false;
    return (await this.#queue(cotangents === undefined ? ['forward'] : ['forward', 'backward'], this.#last, {
      ...chosen,
      state,
      sources: [...forward, ...backward],
    })) as RunResult<S>;
  }

  /** Forward alone. A `backward` may follow, when the loss's cotangents are known. @throws RecurveError as `run` */
  async forward(request: ForwardRequest<S>): Promise<ForwardResult<S>> {
    return this.run({ ...request, cotangents: undefined });
  }

  /**
   * Gradients of the last forward run, whose values are still on the device. May be called again with other cotangents.
   * @throws RecurveError `RUN-ORDER` where there was none, or parameters have changed since; `RUN-GRADIENTS`; `DATA-*`
   */
  async backward(request: BackwardRequest<S>): Promise<Gradients<S>> {
    requireGradients(this.plan);
    requireForm('backward', request, ['cotangents', 'read', 'into']);
    const { cotangents, read, into } = request;
    const last = this.#last;
    if (last === undefined || this.#packed !== this.#key(last.seed)) {
      throw outOfOrder(this.plan, 'backward', 'forward', last === undefined ? '' : ': its parameters have changed since');
    }
    const sources = this.#sources.cotangents(cotangents, last.extent);
    const { gradients } = await this.#queue(['backward'], last, {
      ...this.#results({ read, into }, 'backward', last.extent),
      sources,
    });
    return (gradients ?? { inputs: {}, state: {}, params: {} }) as Gradients<S>;
  }

  /**
   * One step of every sequence, from the state that the one before left: streaming. Of cells only.
   * @throws RecurveError as `run`; `RUN-MODEL`
   */
  async step(asked: StepRequest<S>): Promise<StepResult<S>> {
    requireSteps(this.plan);
    requireForm('step', asked, ['inputs', 'seed', 'read', 'into']);
    const { inputs, ...rest } = asked;
    const sequences = Object.fromEntries(
      Object.entries(tensorsIn('inputs', inputs)).map(([name, given]) => [name, oneStep(given)]),
    );
    const request = { ...rest, inputs: sequences, steps: 1, state: 'kept' } as ForwardRequest<S>;
    const { outputs, state } = await this.run(request);
    const flat = Object.entries(outputs).map(([name, { shape, data }]) => [name, { shape: shape.slice(1), data }]);
    return { outputs: Object.fromEntries(flat), state };
  }

  /** Puts the kept state back to its start, or to what is given: `[B, …]` each. @throws RecurveError `DATA-*` */
  reset(state: Partial<GivenTo<S['state']>> = {}): void {
    this.#check();
    const extent = this.#extent({ inputs: {}, state: state as GivenTensors });
    this.#executable.write(extent, new Map(this.#sources.state(state as GivenTensors, extent)));
    this.#stateIsPlaced = true;
    this.#last = undefined; // whose backward run would read the state it began with
  }

  /**
   * One step of gradient descent on the device, with the gradients of the last backward run, whatever ran forward or was
   * set since.
   * @throws RecurveError `RUN-GRADIENTS`, `RUN-ORDER` where there was none, `DESCENT-RATE`
   */
  descend(step: DescentStep): void {
    requireGradients(this.plan);
    this.#check();
    requireStep(step);
    if (!this.#hasGradients) throw outOfOrder(this.plan, 'descend', 'backward');
    this.#executable.inOrder(() => this.#descent.apply(step));
    this.#params.version++;
  }

  /** Where a tensor lies on the device, by the name it has in data and results (`params.W`, `gradients.params.W`, `outputs.h`). */
  place(name: string): DevicePlace {
    this.#check();
    const { given, results } = this.#executable;
    const named = (tensor: PlacedTensor) => [given.has(tensor.path) ? tensor.path : resultName(tensor), tensor] as const;
    // `state.h` is the final one: the initial state's place is written before a run and no result.
    const known = new Map([...given.values(), ...results.values()].map(named));
    const tensor = known.get(name);
    if (tensor === undefined) {
      throw new RecurveError({
        code: 'RESULT-UNKNOWN',
        message: `the plan for ${this.plan.cell} has no tensor ${name}`,
        fix: didYouMean(String(name), [...known.keys()], `It has ${[...known.keys()].join(', ')}.`, '"'),
        where: name,
      });
    }
    const { offset, shape, padded } = tensor.slot;
    return { buffer: this.#executable.bufferOf(tensor), offset, shape, padded };
  }

  /** To be called when a kernel of one's own has written parameters in place. */
  paramsChanged(): void {
    this.#params.version++;
    this.#params.missing.clear();
  }

  /**
   * Queues the last run once more, on what the device holds: for measurements.
   * @throws RecurveError `RUN-ORDER`, `RUN-GRADIENTS`
   */
  repeat(scope: 'forward' | 'forward and backward'): void {
    this.#check();
    if (scope === 'forward and backward') requireGradients(this.plan);
    if (this.#last === undefined) throw outOfOrder(this.plan, 'repeat', 'forward');
    this.#queue(scope === 'forward' ? ['forward'] : ['forward', 'backward'], this.#last);
  }

  /**
   * The last run once more, on a device with timestamps, and how long it took by the device's clock: pass by pass, in the order of
   * the plan, or all at once. Weights are packed, too.
   * @throws RecurveError `RUN-ORDER`, `RUN-GRADIENTS`, `DEVICE-*`
   * @internal
   */
  async time(scope: 'forward' | 'forward and backward', grain: Grain): Promise<readonly PassTime[]> {
    this.#check();
    if (scope === 'forward and backward') requireGradients(this.plan);
    if (this.#last === undefined) throw outOfOrder(this.plan, 'time', 'forward');
    const times = await this.#executable.time?.(
      this.#last.extent,
      scope === 'forward' ? ['forward'] : ['forward', 'backward'],
      grain,
    );
    if (times === undefined) throw new Error(`segments of ${this.plan.cell} cannot be timed`);
    return times;
  }

  /** Waits until all that was queued is done. @throws RecurveError `DEVICE-*` */
  finished(): Promise<void> {
    this.#check();
    return this.#executable.finished();
  }

  /** Fills the plan's memory with a NaN that no computation makes; for checks. Parameters are gone, too. */
  poison(): void {
    this.#check();
    this.#executable.poison();
    this.#params.version++;
    for (const { name } of this.#sources.group('params')) this.#params.missing.add(name);
    this.#last = undefined;
    this.#stateIsPlaced = false;
    this.#hasGradients = false;
  }

  /** Frees what the layer holds on the device; parameters when the last layer that shares them goes. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#descent.destroy();
    this.#executable.destroy();
    this.#params.release();
  }

  /** For `load`, which shares them with another layer. @internal */
  get sharedParams(): SharedParams {
    return this.#params;
  }

  /** Where the kept state is, which a run is to begin with. */
  #keptState(): 'carried' | 'placed' {
    if (this.#stateIsPlaced) return 'placed';
    if (this.#last !== undefined) return 'carried';
    this.reset();
    return 'placed';
  }

  /** Queues a run at once, and waits for what is read of it. */
  #queue(
    directions: readonly Direction[],
    { extent, seed }: LastRun,
    { state = 'placed', sources = [], read = [], into = new Map() }: Partial<Queued> = {},
  ): Promise<RunResult> {
    this.#note(sources);
    const key = this.#key(seed);
    const weights = key === this.#packed ? 'packed' : 'pack';
    const found = this.#executable.run(extent, { state, sources: new Map(sources), directions, seed, weights, into, read });
    this.#packed = key;
    if (directions.includes('backward')) this.#hasGradients = true;
    return found.then(
      (tensors) => assemble(read, tensors),
      (error: unknown) => {
        // What was being read went with the layer: the device says so in words of its own.
        if (this.#destroyed && !(error instanceof RecurveError)) throw isDestroyed(this.plan, ' while a run was not done');
        throw error;
      },
    );
  }

  /** Takes note of parameters among what is written. */
  #note(sources: readonly Sourced[]): void {
    const params = sources.filter(([{ group }]) => group === 'params');
    for (const [{ name }] of params) this.#params.missing.delete(name);
    if (params.length > 0) this.#params.version++;
  }

  /** Packed weights hold the masks of the matrices that have any. */
  #key(seed: number): string {
    return `${this.#params.version} ${this.plan.seed === undefined ? '' : seed}`;
  }

  #results({ read, into = {} }: Pick<ForwardRequest<S>, 'read' | 'into'>, scope: Direction | 'both', extent: Extent): Chosen {
    this.#check();
    const available = [...this.#executable.results.values()].filter(
      (tensor) => scope === 'both' || isGradient(tensor) === (scope === 'backward'),
    );
    const targets = new Map<PlacedTensor, GPUBuffer>();
    for (const [name, buffer] of Object.entries(into)) {
      for (const tensor of choose(available, [name]))
        targets.set(tensor, requireDense(buffer, name, shapeIn(tensor, extent), this.#executable));
    }
    return { read: choose(available, read), into: targets };
  }

  #extent(
    request: Pick<RunRequest<S>, 'steps' | 'batch' | 'lengths' | 'reverse'> & { inputs: unknown; state?: unknown },
  ): Extent {
    const { inputs, state = {}, ...stated } = request;
    const given = { inputs: tensorsIn('inputs', inputs), state: state === 'kept' ? {} : tensorsIn('state', state) };
    return extentOf(this.#executable, { ...stated, ...given });
  }

  #check(): void {
    this.#owner.check();
    if (this.#destroyed) throw isDestroyed(this.plan);
  }
}

const RUN: readonly Field[] = [
  'inputs',
  'state',
  'params',
  'cotangents',
  'steps',
  'batch',
  'lengths',
  'reverse',
  'seed',
  'read',
  'into',
];

interface LastRun {
  readonly extent: Extent;
  readonly seed: number;
}

/** What is asked for of a run. */
type Chosen = Pick<Run, 'read' | 'into'>;

type Queued = Chosen & Pick<Run, 'state'> & { readonly sources: readonly Sourced[] };

/** One step as a sequence of one. What is no tensor stays as it is, to be refused by its name. */
function oneStep(given: Given | undefined): Given | undefined {
  return isTensor(given) && isNumbers(given.shape) ? { shape: [1, ...given.shape], data: given.data } : given;
}
