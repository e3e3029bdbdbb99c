/**
 * Runs long sequences a segment at a time, by a plan for segments. The sequences stay with the host, or in the caller's buffers: a
 * segment's inputs are written when it runs, and its results read. To whoever calls it is a plan for the whole sequences.
 */
import { RecurveError } from '../../codegen/errors.js';
import type { Plan, Segments } from '../../codegen/plan.js';
import { elements, type ReadTensor } from '../data.js';
import type { Supervised } from '../device/supervise.js';
import { Checkpoints } from '../memory/checkpoints.js';
import { courseOf, type Extent, shapeIn } from '../memory/copy.js';
import { Relayouter } from '../memory/relayout.js';
import { type PlacedTensor, placeTensors } from '../memory/slots.js';
import { cutOut, putIn, type Segment, segmentsOf } from '../memory/stretch.js';
import { byPath, type Executable, isBuffer, type Run, type Source, type WholeExecutable } from './executable.js';
import { Line } from './line.js';
import { copied, isSequence, partOf, TIME, wholePlan } from './sequences.js';

type Sources = ReadonlyMap<PlacedTensor, Source>;
const NOTHING: Sources = new Map();

/** Called when a run has done so many segments, of so many: each counts once for each direction. */
export type OnSegment = (done: number, of: number) => void;

/** @throws RecurveError `LIMIT-BUFFER`, `DEVICE-MEMORY` */
export async function createSegmented(
  owner: Supervised,
  executable: WholeExecutable,
  segments: Segments,
  onSegment: OnSegment,
): Promise<Executable> {
  const { device } = owner;
  device.pushErrorScope('out-of-memory');
  const made = new Segmented(owner, executable, segments, onSegment);
  const error = await owner.settle(device.popErrorScope());
  if (error === null) return made;
  made.release();
  throw new RecurveError({
    code: 'DEVICE-MEMORY',
    message: `the device ${owner.name} has no room for the checkpoints of ${executable.plan.cell} at these dims`,
    fix: 'Use smaller dims: T and B count most.',
    where: '--dims',
  });
}

class Segmented implements Executable {
  readonly plan: Plan;
  readonly given: ReadonlyMap<string, PlacedTensor>;
  readonly results: ReadonlyMap<string, PlacedTensor>;
  readonly #device: GPUDevice;
  readonly #executable: WholeExecutable;
  readonly #segments: Segments;
  readonly #onSegment: OnSegment;
  readonly #checkpoints: Checkpoints;
  readonly #line = new Line();
  readonly #relayouter: Relayouter;
  /** Of the whole sequences, for what turns them. */
  readonly #lengths: GPUBuffer;
  /** The sequences of the last run, and the cotangents of its final states: a run takes them more than once. */
  readonly #sequences = new Map<PlacedTensor, Source>();
  readonly #seeds = new Map<PlacedTensor, Source>();
  /** Whether the initial state's place holds that of the next run, or what a segment began with. */
  #state: 'placed' | 'passed' = 'placed';
  /** The segment whose forward values are in memory. */
  #inMemory: number | undefined;
  /** The run of a segment of which nothing is read. */
  #under: Promise<void> = Promise.resolve();
  #destroyed = false;

  constructor(owner: Supervised, executable: WholeExecutable, segments: Segments, onSegment: OnSegment) {
    const { plan, given, results } = executable;
    this.#device = owner.device;
    this.#executable = executable;
    this.#segments = segments;
    this.#onSegment = onSegment;
    this.plan = wholePlan(plan, segments);
    // What has no time is in the plan's memory as it is; the sequences never are.
    const whole = placeTensors(this.plan);
    const own = (known: Executable['given']) => (tensor: PlacedTensor) =>
      tensor.leading === 'sequence' ? tensor : (known.get(tensor.path) ?? tensor);
    this.given = byPath(whole.given.map(own(given)));
    this.results = byPath(whole.results.map(own(results)));
    this.#checkpoints = new Checkpoints(owner, plan, [...given.values(), ...results.values()], (name) => executable.named(name));
    this.#lengths = owner.device.createBuffer({
      label: 'whole lengths',
      size: 4 * (plan.sizes.B ?? 1),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    const { T: lengths } = plan.lengths;
    this.#relayouter = new Relayouter(
      owner,
      { lengths: { [TIME]: { buffer: lengths?.buffer ?? '', offset: 0 } } },
      this.#lengths,
    );
  }

  write(extent: Extent, sources: Sources): void {
    const given = this.#line.isBusy ? copied(sources) : sources;
    this.#line.queue(() => {
      this.#executable.write(extent, given);
      if ([...given.keys()].some(({ group }) => group === 'state')) this.#state = 'placed';
    });
  }

  run(extent: Extent, run: Run): Promise<ReadonlyMap<string, ReadTensor>> {
    const sources = copied(run.sources);
    return this.#line.add(() => this.#run(extent, { ...run, sources }));
  }

  finished(): Promise<void> {
    return this.#line.add(() => this.#executable.finished());
  }

  read(tensors: readonly PlacedTensor[], extent: Extent): Promise<ReadonlyMap<string, ReadTensor>> {
    return this.#line.add(() => this.#executable.read(tensors, extent));
  }

  inOrder(queue: () => void): void {
    this.#line.queue(queue);
  }

  bufferOf(tensor: PlacedTensor): GPUBuffer {
    if (tensor.leading !== 'sequence') return this.#executable.bufferOf(tensor);
    throw new RecurveError({
      code: 'MEMORY-PLACE',
      message: `${tensor.path} has no place on the device: its ${this.#segments.whole} steps are cut into segments of ${this.#segments.steps}`,
      fix: 'Have it written to a buffer of yours, with `into`, or compile for sequences that are not cut.',
      where: tensor.path,
    });
  }

  owns(buffer: GPUBuffer): boolean {
    return this.#executable.owns(buffer) || this.#checkpoints.owns(buffer) || buffer === this.#lengths;
  }

  poison(): void {
    this.inOrder(() => {
      this.#executable.poison();
      this.#inMemory = undefined;
    });
  }

  destroy(): void {
    this.#destroyed = true;
    this.release();
    this.#executable.destroy();
  }

  /** Frees what lies beside the plan's memory. */
  release(): void {
    this.#checkpoints.destroy();
    this.#lengths.destroy();
  }

  async #run(extent: Extent, run: Run): Promise<ReadonlyMap<string, ReadTensor>> {
    this.#device.queue.writeBuffer(this.#lengths, 0, Uint32Array.from(courseOf(extent, TIME).lengths));
    for (const [tensor, source] of run.sources) {
      if (tensor.leading === 'sequence') this.#sequences.set(tensor, source);
      else if (tensor.group === 'cotangents.state') this.#seeds.set(tensor, source);
      else if (tensor.group === 'state') this.#state = 'placed';
    }
    const found = new Map(
      run.read.map((tensor): [string, ReadTensor] => {
        const shape = shapeIn(tensor, extent);
        return [tensor.path, { shape, data: new Float32Array(elements(shape)) }];
      }),
    );
    const all = segmentsOf(extent, TIME, this.#segments.steps);
    let done = 0;
    const onDone = () => this.#onSegment(++done, run.directions.length * all.length);
    for (const direction of run.directions) {
      if (direction === 'forward') await this.#forward(all, extent, run, found, onDone);
      else await this.#backward(all, extent, run, found, onDone);
    }
    await this.#under;
    return found;
  }

  async #forward(
    all: readonly Segment[],
    whole: Extent,
    run: Run,
    found: Map<string, ReadTensor>,
    onDone: () => void,
  ): Promise<void> {
    const { before } = this.#segments;
    this.#encode((encoder) => {
      // The run before once more: from where that began.
      if (run.state === 'placed' && this.#state === 'passed') this.#restore(encoder, 0);
      this.#checkpoints.clear(encoder, before);
    });
    this.#state = 'passed';
    const results = partOf(run, (tensor) => !tensor.group.startsWith('gradients.'));
    for (const segment of all) {
      const [isFirst, isLast] = [segment.index === 0, segment.index === all.length - 1];
      const reading = this.#queue(segment, whole, 'forward', {
        ...run,
        ...(isLast ? results : partOf(results, isSequence)),
        state: isFirst ? run.state : 'carried',
        weights: isFirst ? run.weights : 'packed',
        sources: isFirst ? new Map([...run.sources].filter(([{ group }]) => group === 'state' || group === 'params')) : NOTHING,
      });
      this.#encode((encoder) => {
        if (isFirst || this.plan.gradients) this.#checkpoints.save(encoder, segment.index);
        if (!isLast) this.#checkpoints.move(encoder, before);
        else if (this.plan.gradients) this.#checkpoints.saveFinals(encoder);
      });
      await this.#settle(reading, segment, whole, found);
      onDone();
    }
  }

  async #backward(
    all: readonly Segment[],
    whole: Extent,
    run: Run,
    found: Map<string, ReadTensor>,
    onDone: () => void,
  ): Promise<void> {
    const { behind } = this.#segments;
    this.#encode((encoder) => {
      this.#checkpoints.clear(encoder, behind);
      // Segments add to what is there.
      for (const { group, slot, words } of this.#executable.results.values()) {
        if (group === 'gradients.params') encoder.clearBuffer(this.#executable.named(slot.buffer), slot.offset * 4, words * 4);
      }
    });
    const results = partOf(run, (tensor) => tensor.group.startsWith('gradients.'));
    const again = { ...run, state: 'placed', weights: 'packed', sources: NOTHING, read: [], into: new Map() } as const;
    for (const segment of all.toReversed()) {
      const [isFirst, isLast] = [segment.index === 0, segment.index === all.length - 1];
      if (this.#inMemory !== segment.index) {
        this.#encode((encoder) => this.#restore(encoder, segment.index));
        await this.#settle(this.#queue(segment, whole, 'forward', again), segment, whole, found);
      }
      const reading = this.#queue(segment, whole, 'backward', {
        ...again,
        ...(isFirst ? results : partOf(results, isSequence)),
        sources: isLast ? this.#seeds : NOTHING,
      });
      if (!isFirst) this.#encode((encoder) => this.#handOver(encoder));
      await this.#settle(reading, segment, whole, found);
      onDone();
    }
    this.#encode((encoder) => this.#checkpoints.restoreFinals(encoder));
  }

  #restore(encoder: GPUCommandEncoder, segment: number): void {
    this.#checkpoints.restore(encoder, segment);
    // Others than its own runs have written them.
    for (const tensor of this.#executable.given.values()) if (tensor.group === 'state') this.#executable.bufferOf(tensor);
  }

  /** What a segment gives back to the one before it. */
  #handOver(encoder: GPUCommandEncoder): void {
    this.#checkpoints.move(encoder, this.#segments.behind);
    const { results, given } = this.#executable;
    for (const { group, name, slot, words } of results.values()) {
      const goal = group === 'gradients.state' ? given.get(`cotangents.state.${name}`) : undefined;
      if (goal === undefined) continue;
      const [from, to] = [this.#executable.named(slot.buffer), this.#executable.bufferOf(goal)];
      encoder.copyBufferToBuffer(from, slot.offset * 4, to, goal.slot.offset * 4, words * 4);
    }
  }

  /** Queues one segment in one direction. */
  #queue(segment: Segment, whole: Extent, direction: 'forward' | 'backward', run: Run) {
    // What is being read goes with the plan's memory, and the device would say so in words of its own.
    if (this.#destroyed) throw new Error('the plan was destroyed');
    const { offset, buffer } = this.#segments.origin;
    this.#device.queue.writeBuffer(this.#executable.named(buffer), offset * 4, Uint32Array.of(segment.first));
    const sources = new Map(run.sources);
    const packed: [PlacedTensor, GPUBuffer][] = [];
    for (const [tensor, source] of this.#sequences) {
      const own = this.#executable.given.get(tensor.path);
      if (own === undefined || tensor.group.startsWith('cotangents.') !== (direction === 'backward')) continue;
      if (isBuffer(source)) packed.push([own, source]);
      else sources.set(own, typeof source === 'number' ? source : cutOut(own, source, whole, segment));
    }
    this.#relayout('pack', packed, segment, whole);
    const into = [...run.into].filter(([tensor]) => !isSequence(tensor));
    const result = this.#executable.run(segment.extent, {
      ...run,
      directions: [direction],
      sources,
      into: new Map(into),
      read: run.read.flatMap(({ path }) => this.#executable.results.get(path) ?? []),
    });
    const unpacked = [...run.into].flatMap(([tensor, dense]): [PlacedTensor, GPUBuffer][] => {
      const own = isSequence(tensor) ? this.#executable.results.get(tensor.path) : undefined;
      return own === undefined ? [] : [[own, dense]];
    });
    this.#relayout('unpack', unpacked, segment, whole);
    this.#inMemory = segment.index;
    return result;
  }

  /** Waits for the one before, so that no more than two are under way: their data take memory, too. */
  async #settle(
    reading: Promise<ReadonlyMap<string, ReadTensor>>,
    segment: Segment,
    whole: Extent,
    found: Map<string, ReadTensor>,
  ): Promise<void> {
    const read = await reading;
    if (read.size === 0) {
      const before = this.#under;
      this.#under = this.#executable.finished();
      // Whoever waits for it next is told.
      this.#under.catch(() => undefined);
      await before;
    }
    for (const [path, { data }] of read) {
      const tensor = this.#executable.results.get(path);
      const goal = found.get(path);
      if (tensor === undefined || goal === undefined) continue;
      if (isSequence(tensor)) putIn(tensor, data, goal.data, whole, segment);
      else goal.data.set(data);
    }
  }

  #relayout(direction: 'pack' | 'unpack', pairs: readonly [PlacedTensor, GPUBuffer][], segment: Segment, whole: Extent): void {
    if (pairs.length === 0) return;
    this.#encode((encoder) => {
      const pass = encoder.beginComputePass({ label: direction });
      for (const [tensor, dense] of pairs) {
        const own = this.#executable.bufferOf(tensor);
        const extent = { ...segment.extent, reverse: whole.reverse };
        this.#relayouter.encode(pass, { direction, tensor, own, dense }, extent, segment.first);
      }
      pass.end();
    });
    this.#relayouter.submitted();
  }

  #encode(record: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.#device.createCommandEncoder({ label: 'segments' });
    record(encoder);
    this.#device.queue.submit([encoder.finish()]);
  }
}
