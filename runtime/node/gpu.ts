/** A device with the compiler beside it. */
import { RecurveError } from '../../codegen/errors.js';
import type { OptionValue, SpecTree } from '../../codegen/frontend/tree.js';
import type { LoopStrategy, Sizes } from '../../codegen/plan.js';
import type { AdapterChoice, AdapterReport, RecurveDevice } from '../device/index.js';
import { dimsOf, refuseUnknownDims, requireSize } from '../dims.js';
import { isTable, requireForm, wrongType } from '../layer/forms.js';
import { type CellTypes, type Layer, type LoadOptions, load, type TypedPlan } from '../layer/index.js';
import type { Loops, TuneRequest } from '../tune/index.js';

/** A built-in cell's or model's name, the path of a `*.cell.ts` or `*.model.ts` file, the text of one, or what `recurve/codegen` parsed. */
export type CellGiven = string | { readonly source: string } | SpecTree;

/** What a cell is compiled for. */
export interface CompileOptions extends LoadOptions {
  /** `T`, `B` and the cell's own dims; those that follow from others may be left out. */
  readonly dims: Sizes;
  /** Values of the cell's options; the others have their defaults. */
  readonly options?: Readonly<Record<string, OptionValue>>;
  /** Whether the layer goes backward, too. Default false. */
  readonly gradients?: boolean;
  /**
   * Values to return for every step as `traces`, `[T, B, …]`, and with `gradients` their cotangents ∂L/∂(value at t) as
   * `gradients.traces`: states, which stand for their next values, and names that `step` gives.
   */
  readonly trace?: readonly string[];
  /** Limits every element of what a step hands back in time, ∂L/∂state, to ±clip. */
  readonly clip?: number;
  /**
   * How loops over time run: `stepwise`, `thread`, `resident`, `scan`, `wavefront` or `chunkwise`, for each loop that allows it; the
   * results are the same, of `scan` and `chunkwise` but for rounding. Where it is left out, each loop runs as its graph and the adapter suggest.
   */
  readonly strategy?: LoopStrategy;
  /**
   * Bytes of device memory that the layer's buffers may take. Where those of the whole sequences take more, a cell's sequences are
   * cut into as few segments as fit, with the same results: forward and backward then take about a third longer, and
   * `plan.segments` says how many steps one has. Loops are not tuned then.
   */
  readonly memory?: number;
}

/** Which adapter to open. */
export interface OpenOptions {
  /** Default `auto`: hardware where there is any, then an installed lavapipe, then the embedded SwiftShader. */
  readonly adapter?: AdapterChoice;
  /**
   * Measures how the loops of what is compiled run fastest on this adapter, where `strategy` does not say it: once, for seconds, the
   * first time that something is compiled at a size; what was found is kept in the user's cache. Default false.
   */
  readonly tune?: boolean;
}

/**
 * Opens an adapter's device.
 * @throws RecurveError `ADAPTER-NONE`, `ADAPTER-REFUSED`, `DEVICE-REFUSED`, `ADAPTER-UNKNOWN`
 */
export async function open(options: OpenOptions = {}): Promise<Gpu> {
  requireForm('open', options, ['adapter', 'tune']);
  const { adapter = 'auto', tune = false } = options;
  const { openDevice } = await import('../device/index.js');
  return new Gpu(await openDevice(adapter), tune ? 'tuned' : 'as chosen');
}

/**
 * An adapter's device with the compiler beside it: what `open` gives. Several layers share one; `close` it when all are
 * done with.
 */
export class Gpu {
  /** The WebGPU device, for buffers and kernels of one's own. */
  readonly device: GPUDevice;
  /** What the device runs on: name, kind, features, limits. */
  readonly adapter: AdapterReport;
  readonly #owner: RecurveDevice;
  readonly #loops: 'tuned' | 'as chosen';

  /** Use `open`. @internal */
  constructor(owner: RecurveDevice, loops: 'tuned' | 'as chosen') {
    this.#owner = owner;
    this.#loops = loops;
    this.device = owner.device;
    this.adapter = owner.adapter;
  }

  /** Rejects where the device is lost, and never settles otherwise. */
  get lost(): Promise<never> {
    return this.#owner.lost;
  }

  /**
   * Compiles a cell or model for this adapter and loads it.
   * @throws SpecError for mistakes in the cell; RecurveError `CELL-UNKNOWN`, `CELL-FILE`, `OPTION-*`, `DIMS-*`, `STRATEGY-REFUSED`, `MEMORY-*`, and what `load` throws
   */
  async compile<S extends CellTypes = CellTypes>(cell: CellGiven, request: CompileOptions): Promise<Layer<S>> {
    requireForm('compile', request, [
      'dims',
      'options',
      'gradients',
      'trace',
      'clip',
      'strategy',
      'memory',
      'params',
      'onSegment',
    ]);
    this.#owner.check();
    const { dims = {}, options = {}, gradients = false, trace = [], clip, strategy, memory, ...rest } = request;
    const { compile, compileWithin, resolveOptions, resolveSpec } = await import('../../codegen/index.js');
    const { completeSizes } = await import('../../codegen/ir/sizes.js');
    const tree = await parse(cell);
    const signature = resolveSpec(tree, resolveOptions(tree, options));
    refuseUnknownDims(dims, signature, 'dims');
    for (const [name, size] of Object.entries(dims)) requireSize(name, size, 'dims');
    const sizes = completeSizes(signature.rules, dims);
    const missing = dimsOf(signature).filter((name) => !Object.hasOwn(sizes, name));
    if (missing.length > 0) throw missingDims(missing, signature.name);
    const asked = {
      options: signature.options,
      sizes,
      gradients,
      trace,
      clip,
      strategy,
      target: this.#owner.target,
    };
    if (memory !== undefined) return this.load<S>(compileWithin(tree, asked, memory), rest);
    const loops = strategy ?? (await this.#tuned(tree, { options: signature.options, sizes, gradients }));
    return this.load<S>(compile(tree, { ...asked, strategy: loops }), rest);
  }

  async #tuned(tree: SpecTree, request: TuneRequest): Promise<Loops | undefined> {
    if (this.#loops === 'as chosen') return undefined;
    const { tunedLoops } = await import('../tune/index.js');
    return tunedLoops(this.#owner, tree, request);
  }

  /** Loads a plan that was compiled before: one of `generate`'s, or a `plan.json`. @throws RecurveError as `load` */
  load<S extends CellTypes = CellTypes>(plan: TypedPlan<S>, options: LoadOptions = {}): Promise<Layer<S>> {
    return load(this.#owner, plan, options);
  }

  /** Frees the device and everything on it. */
  close(): void {
    this.#owner.close();
  }
}

async function parse(cell: CellGiven): Promise<SpecTree> {
  const { checkSpec, parseSpecSource } = await import('../../codegen/index.js');
  const { loadSpec } = await import('./cells.js');
  if (typeof cell === 'string') return loadSpec(cell, process.cwd());
  if (!isTable(cell) || !(typeof cell.source === 'string' || 'kind' in cell)) {
    throw wrongType(
      'the cell',
      cell,
      'Give the name of a built-in one, a path, { source } with its text, or what parseCell gave.',
      'cell',
    );
  }
  if (!('source' in cell)) return cell;
  // A text has no folder of its own: it imports as a file in the working folder would.
  const tree = parseSpecSource('inline.cell.ts', cell.source);
  checkSpec(tree);
  return tree;
}

function missingDims(missing: readonly string[], cell: string): RecurveError {
  return new RecurveError({
    code: 'DIMS-MISSING',
    message: `no size is given for ${missing.length === 1 ? 'dim' : 'the dims'} ${missing.join(', ')} of ${cell}`,
    fix: `Add ${missing.map((name) => `${name}: …`).join(', ')} to dims.`,
    where: 'dims',
  });
}
