/** A compiled cell on a device: the object that programs hold. */
import { RecurveError } from '../../codegen/errors.js';
import type { Plan } from '../../codegen/plan.js';
import { didYouMean } from '../../codegen/suggest.js';
import { type Tensor as HostTensor, requireRates } from '../data.js';
import type { Supervised } from '../device/supervise.js';
import type { Direction, Executable, Source } from '../execute/index.js';
import type { Extent } from '../memory/copy.js';
import { shapeIn } from '../memory/copy.js';
import type { PlacedTensor } from '../memory/slots.js';
import { Descent, type DescentStep, requireStep } from './descent.js';
import { extentOf, type GivenTensors, requireDense, sourceOf } from './extent.js';
import { initialValues } from './init.js';
import { assemble, choose, isGradient, resultName } from './results.js';
import type { SharedParams } from './shared-params.js';
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
  Tensor,
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
  /** What the weights were packed from. */
  #packed = '';
  /** Of the last forward run, whose residuals a backward run uses. */
  #last: { readonly extent: Extent; readonly seed: number } | undefined;
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
  }

  /**
   * Puts parameters on the device, where they stay. Others keep what they hold.
   * @throws RecurveError `DATA-NAME`, `DATA-SHAPE`, `DATA-BUFFER`, `DATA-RATE`
   */
  setParams(params: Partial<GivenTo<S['params']>>): void {
    this.#check();
    this.#write(this.#whole(), this.#paramSources(params));
  }

  /** Fills all parameters as their declarations say (`init`), the same way for the same seed. */
  init({ seed = 0 }: { readonly seed?: number } = {}): void {
    this.setParams(
      Object.fromEntries(
        this.#group('params').map(({ name, path, slot }) => [
          name,
          { shape: slot.shape, data: initialValues(slot.init ?? 'uniform', slot.shape, seed, path) },
        ]),
      ) as Partial<GivenTo<S['params']>>,
    );
  }

  /** Reads the parameters back. */
  async params(): Promise<S['params']> {
    this.#check();
    const found = await this.#executable.read(this.#group('params'), this.#whole());
    return Object.fromEntries(this.#group('params').map(({ name, path }) => [name, found.get(path)])) as S['params'];
  }

  /**
   * Forward, and backward where `request` has cotangents.
   * @throws RecurveError `DATA-*`, `RUN-EXTENT`, `RUN-ORDER`, `RESULT-UNKNOWN`, `DEVICE-*`
   */
  async run(request: RunRequest<S>): Promise<RunResult<S>> {
    const { cotangents } = request;
    if (cotangents !== undefined) this.#requireGradients();
    const extent = this.#extent(request);
    const results = this.#results(request, cotangents === undefined ? 'forward' : 'both', extent);
    const sources = this.#forwardSources(request, extent);
    const seeds = cotangents === undefined ? [] : this.#cotangentSources(cotangents, extent);
    this.#prepare(request, extent, new Map([...sources, ...seeds]));
    this.#submit(cotangents === undefined ? ['forward'] : ['forward', 'backward']);
    return (await this.#collect(results, extent)) as RunResult<S>;
  }

  /** Forward alone. A `backward` may follow, when the loss's cotangents are known. @throws RecurveError as `run` */
  async forward(request: ForwardRequest<S>): Promise<ForwardResult<S>> {
    return this.run({ ...request, cotangents: undefined });
  }

  /**
   * Gradients of the last forward run, whose values are still on the device. May be called again with other cotangents.
   * @throws RecurveError `RUN-ORDER` where there was none, or parameters have changed since; `RUN-GRADIENTS`; `DATA-*`
   */
  async backward({ cotangents, read, into }: BackwardRequest<S>): Promise<Gradients<S>> {
    this.#requireGradients();
    const last = this.#last;
    if (last === undefined || this.#packed !== this.#key(last.seed)) {
      throw this.#outOfOrder('backward', 'forward', last === undefined ? '' : ': its parameters have changed since');
    }
    const { extent, seed } = last;
    const results = this.#results({ read, into }, 'backward', extent);
    this.#executable.begin(extent, seed);
    this.#executable.write(extent, new Map(this.#cotangentSources(cotangents, extent)));
    this.#submit(['backward']);
    const { gradients } = await this.#collect(results, extent);
    return (gradients ?? { inputs: {}, state: {}, params: {} }) as Gradients<S>;
  }

  /**
   * One step of every sequence, from the state that the one before left: streaming.
   * @throws RecurveError as `run`
   */
  async step({ inputs, ...rest }: StepRequest<S>): Promise<StepResult<S>> {
    const sequences = Object.fromEntries(
      Object.entries(inputs as GivenTensors).map(([name, given]) => [name, given && oneStep(given)]),
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
    this.#executable.write(extent, new Map(this.#stateSources(state as GivenTensors, extent)));
    this.#stateIsPlaced = true;
    this.#last = undefined; // whose backward run would read the state it began with
  }

  /**
   * One step of gradient descent on the device, with the gradients of the last backward run, whatever ran forward or was
   * set since.
   * @throws RecurveError `RUN-GRADIENTS`, `RUN-ORDER` where there was none, `DESCENT-RATE`
   */
  descend(step: DescentStep): void {
    this.#requireGradients();
    this.#check();
    requireStep(step);
    if (!this.#hasGradients) throw this.#outOfOrder('descend', 'backward');
    this.#descent.apply(step);
    this.#params.version++;
  }

  /** Where a tensor lies on the device, by the name it has in data and results (`params.W`, `gradients.params.W`, `outputs.h`). */
  place(name: string): DevicePlace {
    const { given, results } = this.#executable;
    const named = (tensor: PlacedTensor) => [given.has(tensor.path) ? tensor.path : resultName(tensor), tensor] as const;
    // `state.h` is the final one: the initial state's place is written before a run and no result.
    const known = new Map([...given.values(), ...results.values()].map(named));
    const tensor = known.get(name);
    if (tensor === undefined) {
      throw new RecurveError({
        code: 'RESULT-UNKNOWN',
        message: `the plan for ${this.plan.cell} has no tensor ${name}`,
        fix: didYouMean(name, [...known.keys()], `It has ${[...known.keys()].join(', ')}.`, '"'),
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
    if (scope === 'forward and backward') this.#requireGradients();
    this.#submit(scope === 'forward' ? ['forward'] : ['forward', 'backward']);
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
    for (const { name } of this.#group('params')) this.#params.missing.add(name);
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

  /** Writes all that a forward run reads. */
  #prepare({ seed = 0, state }: ForwardRequest<S>, extent: Extent, sources: ReadonlyMap<PlacedTensor, Source>): void {
    if (state === 'kept' && !this.#stateIsPlaced) {
      if (this.#last === undefined) this.reset();
      else this.#executable.carryState();
    }
    this.#executable.begin(extent, seed);
    this.#write(extent, sources);
    this.#last = { extent, seed };
    this.#stateIsPlaced = false;
  }

  #submit(directions: readonly Direction[]): void {
    if (this.#last === undefined) throw this.#outOfOrder('repeat', 'forward');
    const { extent, seed } = this.#last;
    const key = this.#key(seed);
    this.#executable.submit(directions, extent, key === this.#packed ? 'packed' : 'pack');
    this.#packed = key;
    if (directions.includes('backward')) this.#hasGradients = true;
  }

  #outOfOrder(what: string, first: Direction, why = ''): RecurveError {
    return new RecurveError({
      code: 'RUN-ORDER',
      message: `${what} has no ${first} run of ${this.plan.cell} to follow${why}`,
      fix: `Call ${first} first.`,
      where: what,
    });
  }

  /** Writes tensors, and takes note of parameters among them. */
  #write(extent: Extent, sources: ReadonlyMap<PlacedTensor, Source>): void {
    this.#executable.write(extent, sources);
    const params = [...sources.keys()].filter(({ group }) => group === 'params');
    for (const { name } of params) this.#params.missing.delete(name);
    if (params.length > 0) this.#params.version++;
  }

  /** Packed weights hold the masks of the matrices that have any. */
  #key(seed: number): string {
    return `${this.#params.version} ${this.plan.seed === undefined ? '' : seed}`;
  }

  #forwardSources({ inputs, state = {}, params }: ForwardRequest<S>, extent: Extent): [PlacedTensor, Source][] {
    const given = inputs as GivenTensors;
    this.#refuseUnknown('inputs', given);
    const sources = this.#group('inputs').map((tensor): [PlacedTensor, Source] => {
      const value = given[tensor.name];
      if (value === undefined) throw missing(tensor.path);
      return [tensor, sourceOf(tensor, value, extent)];
    });
    if (state !== 'kept') sources.push(...this.#stateSources(state as GivenTensors, extent));
    if (params !== undefined) return [...sources, ...this.#allParamSources(params)];
    for (const tensor of this.#group('params').filter(({ name }) => this.#params.missing.has(name))) {
      if (tensor.slot.fill === undefined) throw missing(tensor.path, ', and nothing set it: give it, or call setParams or init');
      sources.push([tensor, tensor.slot.fill]);
    }
    return sources;
  }

  #stateSources(state: GivenTensors, extent: Extent): [PlacedTensor, Source][] {
    this.#refuseUnknown('state', state);
    return this.#group('state').map((tensor) => {
      const given = state[tensor.name];
      return [tensor, given === undefined ? (tensor.slot.fill ?? 0) : sourceOf(tensor, given, extent)];
    });
  }

  #allParamSources(params: Partial<GivenTo<S['params']>>): ReadonlyMap<PlacedTensor, Source> {
    const sources = new Map(this.#paramSources(params));
    for (const tensor of this.#group('params')) {
      if (sources.has(tensor)) continue;
      if (tensor.slot.fill === undefined) throw missing(tensor.path);
      sources.set(tensor, tensor.slot.fill);
    }
    return sources;
  }

  #paramSources(params: Partial<GivenTo<S['params']>>): ReadonlyMap<PlacedTensor, Source> {
    const given = params as GivenTensors;
    this.#refuseUnknown('params', given);
    requireRates(this.plan.rates, Object.fromEntries(Object.entries(given).flatMap(asScalar)));
    return new Map(
      this.#group('params').flatMap((tensor): [PlacedTensor, Source][] => {
        const value = given[tensor.name];
        return value === undefined ? [] : [[tensor, sourceOf(tensor, value, this.#whole())]];
      }),
    );
  }

  #cotangentSources(cotangents: NonNullable<RunRequest<S>['cotangents']>, extent: Extent): [PlacedTensor, Source][] {
    return (['outputs', 'state'] as const).flatMap((group) => {
      const given = (cotangents[group] ?? {}) as GivenTensors;
      this.#refuseUnknown(`cotangents.${group}`, given);
      return this.#group(`cotangents.${group}`).map((tensor): [PlacedTensor, Source] => {
        const value = given[tensor.name];
        return [tensor, value === undefined ? 0 : sourceOf(tensor, value, extent)];
      });
    });
  }

  #results({ read, into = {} }: Pick<ForwardRequest<S>, 'read' | 'into'>, scope: Direction | 'both', extent: Extent): Chosen {
    this.#check();
    const available = [...this.#executable.results.values()].filter(
      (tensor) => scope === 'both' || isGradient(tensor) === (scope === 'backward'),
    );
    const targets = new Map<PlacedTensor, GPUBuffer>();
    for (const [name, buffer] of Object.entries(into)) {
      for (const tensor of choose(available, [name])) targets.set(tensor, requireDense(buffer, name, shapeIn(tensor, extent)));
    }
    return { read: choose(available, read), into: targets };
  }

  async #collect({ read, into }: Chosen, extent: Extent): Promise<RunResult> {
    this.#executable.copy(extent, into);
    const found = read.length === 0 ? new Map<string, Tensor>() : await this.#executable.read(read, extent);
    return assemble(read, found);
  }

  #extent(
    request: Pick<RunRequest<S>, 'steps' | 'batch' | 'lengths' | 'reverse'> & { inputs: unknown; state?: unknown },
  ): Extent {
    const { inputs, state = {}, ...stated } = request;
    const extent = { ...stated, inputs: inputs as GivenTensors, state: state === 'kept' ? {} : (state as GivenTensors) };
    return extentOf(this.#executable, extent);
  }

  /** All of the plan: what parameters, which no run cuts short, are written with. */
  #whole(): Extent {
    const { T: steps = 1, B: batch = 1 } = this.plan.sizes;
    return { steps, batch, lengths: Array.from({ length: batch }, () => steps), reverse: false };
  }

  #group(name: string): PlacedTensor[] {
    return [...this.#executable.given.values()].filter(({ group }) => group === name);
  }

  #refuseUnknown(group: string, given: GivenTensors): void {
    const names = this.#group(group).map(({ name }) => name);
    const unknown = Object.keys(given).find((name) => !names.includes(name));
    if (unknown === undefined) return;
    throw new RecurveError({
      code: 'DATA-NAME',
      message: `${group}.${unknown} is not in the plan for ${this.plan.cell}`,
      fix: didYouMean(unknown, names, names.length > 0 ? `It has ${names.join(', ')}.` : `It has no ${group}.`, '"'),
      where: `${group}.${unknown}`,
    });
  }

  #requireGradients(): void {
    if (this.plan.gradients) return;
    throw new RecurveError({
      code: 'RUN-GRADIENTS',
      message: `the plan for ${this.plan.cell} was compiled without gradients`,
      fix: 'Compile it with gradients: true.',
      where: 'gradients',
    });
  }

  #check(): void {
    this.#owner.check();
    if (!this.#destroyed) return;
    throw new RecurveError({
      code: 'LAYER-DESTROYED',
      message: `the layer ${this.plan.cell} was destroyed`,
      fix: 'Load the plan again, or call destroy later.',
      where: this.plan.cell,
    });
  }
}

interface Chosen {
  readonly read: readonly PlacedTensor[];
  readonly into: ReadonlyMap<PlacedTensor, GPUBuffer>;
}

function missing(path: string, more = ''): RecurveError {
  return new RecurveError({ code: 'DATA-MISSING', message: `${path} is missing${more}`, fix: `Give ${path}.`, where: path });
}

/** One step as a sequence of one. */
function oneStep(given: Given): Given {
  return 'shape' in given ? { shape: [1, ...given.shape], data: given.data } : given;
}

/** A rate is one number; what a buffer holds is not known here. */
function asScalar([name, given]: [string, Given | undefined]): [string, HostTensor][] {
  if (given === undefined || 'mapAsync' in given) return [];
  return [[name, 'shape' in given ? given : { shape: [], data: given }]];
}
