/**
 * How long each pass of a plan should take on a machine of which a roofline is known, and what keeps it from taking less. A pass
 * computes while it moves memory, so the longer of the two counts; its dispatches and its lanes' waiting for each other come on top.
 */
import type { PassSpec, Plan } from '../../codegen/plan.js';
import type { Rates } from './types.js';

export const BOUNDS = ['compute', 'memory', 'dispatch', 'barrier'] as const;
/** What most of a pass's time goes to. */
export type Bound = (typeof BOUNDS)[number];

/** Of one pass in one run, over all of its dispatches. Times are in milliseconds. */
export interface Prediction {
  /** Operations for each byte that is read or written. */
  readonly intensity: number;
  /** What each would take by itself. */
  readonly parts: Readonly<Record<Bound, number>>;
  /** The longer of computing and memory, and the two others. */
  readonly ms: number;
  readonly bound: Bound;
  /**
   * The least that any kernel would take: operations in registers, or bytes, at the machine's own rates, with all of it at work and
   * nothing to wait for.
   */
  readonly roofMs: number;
}

/** 10⁹ a second are as many million a millisecond. */
const PER_MS = 1e6;
const MS_PER_US = 1e-3;

/** In the order of the plan's passes. */
export function predict(plan: Plan, rates: Rates): Prediction[] {
  const steps = loopSteps(plan);
  const barriers = new Map(plan.kernels.map(({ name, wgsl }) => [name, countBarriers(wgsl)]));
  return plan.passes.map((pass) => {
    const { dispatches, flops } = pass;
    const bytes = bytesOf(pass);
    const groups = pass.workgroups.reduce((product, count) => product * count, 1);
    const inLoop = steps.get(pass.name) ?? 1;
    // A dispatch of all steps goes through them one by one, but a scan, whose stretches are side by side.
    const turns = pass.strategy === 'scan' ? dispatches : Math.max(dispatches, inLoop);
    const bandwidth = bandwidthFor(bytes / turns, rates);
    const waits = pass.strategy === 'resident' ? (barriers.get(pass.kernel) ?? 0) * inLoop * wavesOf(groups, rates) : 0;
    const parts = {
      compute: flops / (PER_MS * rates.product.value * shareOf(groups, rates.fmaAlone.value, rates.fma.value)),
      memory: bytes / (PER_MS * bandwidth * shareOf(groups, rates.readAlone.value, nearest(rates))),
      dispatch: dispatches * MS_PER_US * (rates.dispatch.value + groups * rates.workgroup.value),
      barrier: waits * MS_PER_US * rates.barrier.value,
    };
    return {
      intensity: intensityOf(pass),
      parts,
      ms: Math.max(parts.compute, parts.memory) + parts.dispatch + parts.barrier,
      bound: BOUNDS.reduce((most, part) => (parts[part] > parts[most] ? part : most)),
      roofMs: Math.max(flops / (PER_MS * rates.fma.value), bytes / (PER_MS * bandwidth)),
    };
  });
}

/** Operations for each byte; 0 where there are no bytes, and nothing to do. */
export function intensityOf(pass: PassSpec): number {
  const bytes = bytesOf(pass);
  return bytes === 0 ? 0 : pass.flops / bytes;
}

const bytesOf = ({ bytesRead, bytesWritten }: PassSpec): number => bytesRead + bytesWritten;

/** Of every pass in a loop: how many steps that has. */
function loopSteps({ forward, backward }: Plan): ReadonlyMap<string, number> {
  return new Map(
    [...forward, ...backward].flatMap((item) =>
      item.kind === 'loop' ? item.passes.map((pass) => [pass, Math.abs(item.to - item.from)] as const) : [],
    ),
  );
}

const countBarriers = (wgsl: string): number => wgsl.match(/\b(?:storage|workgroup)Barrier\(\)/g)?.length ?? 0;

/** What is touched again at every step comes from the smallest cache that holds it. */
function bandwidthFor(bytes: number, { reads, stream }: Rates): number {
  const fitting = reads.filter((read) => bytes <= read.bytes).toSorted((a, b) => a.bytes - b.bytes);
  return fitting[0]?.value ?? stream.value;
}

const nearest = ({ reads, stream }: Rates): number => reads[0]?.value ?? stream.value;

/** Of a machine, that so few workgroups keep busy. */
const shareOf = (groups: number, alone: number, all: number): number => Math.min(1, (groups * alone) / all);

/** How often a machine is full before all workgroups have had their turn. */
const wavesOf = (groups: number, { fma, fmaAlone }: Rates): number => Math.ceil(groups / Math.max(1, fma.value / fmaAlone.value));
