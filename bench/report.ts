/** What a benchmark found, as JSON and as a table for people. */
import pc from 'picocolors';
import type { OptionValues } from '../codegen/frontend/tree.js';
import type { LoopStrategy, Sizes } from '../codegen/plan.js';
import type { AdapterReport } from '../runtime/device/index.js';
import type { RooflineRecord } from '../runtime/roofline/index.js';
import type { Timing } from './measure.js';
import type { PeerName } from './peers/peer.js';
import type { Provenance } from './provenance.js';
import type { Reach } from './roof.js';

/** Times are in milliseconds. */
export interface BenchReport extends Provenance {
  readonly adapter: AdapterReport;
  readonly results: readonly BenchResult[];
  /** Of the adapter, where one was kept. */
  readonly roofline?: RooflineRecord;
  /** What is different from an earlier report, where one was given. */
  readonly comparison?: Comparison;
}

interface Times {
  /** Median, of a plan without gradients, which keeps nothing for the backward run. */
  readonly forwardMs: number;
  /** Median, of a plan with gradients for every input, initial state and parameter. */
  readonly forwardBackwardMs: number;
  /** The same with what stands around the median. */
  readonly timings: { readonly forward: Timing; readonly forwardBackward: Timing };
}

export interface BenchResult extends Times {
  readonly cell: string;
  readonly options: OptionValues;
  readonly dims: Sizes;
  /** What was asked for; where nothing was, how its loops over time ran. */
  readonly strategy: string;
  /** How each loop over time ran, by its name: one that does not allow what was asked for runs as the compiler chooses. */
  readonly loops: Readonly<Record<string, LoopStrategy>>;
  /** Whether that is what the compiler takes by itself. */
  readonly chosen: boolean;
  /** From the parsed cell to pipelines ready on the device, for the plan with gradients. */
  readonly compileMs: number;
  readonly dispatches: { readonly forward: number; readonly backward: number };
  /** Of the device's memory, for the plan with gradients. */
  readonly bytes: number;
  /** 10⁹ floating-point operations a second. */
  readonly gflops: { readonly forward: number; readonly forwardBackward: number };
  /** How near to the roofline it comes, where one was kept. */
  readonly reach?: Readonly<Record<Scope, Reach>>;
  readonly peers: Readonly<Partial<Record<PeerName, PeerResult>>>;
}

export type PeerResult = PeerTimes | { readonly unavailable: string };

/** What is missing of forward + backward the peer does not do. */
interface PeerTimes extends Pick<Times, 'forwardMs'>, Partial<Pick<Times, 'forwardBackwardMs'>> {
  readonly timings: ForwardAndMore<Timing>;
  /** The peer's time over ours: above 1 we are faster. */
  readonly ratio: ForwardAndMore<number>;
  /** Largest relative error between its numbers and ours, where both compute the same mathematics. */
  readonly difference?: number;
  readonly note?: string;
}

interface ForwardAndMore<T> {
  readonly forward: T;
  readonly forwardBackward?: T;
}

/** Two reports, result by result: those of one cell, options, dims and strategy. */
export interface Comparison {
  /** Of the earlier report. */
  readonly before: Pick<BenchReport, 'versions' | 'commit' | 'date' | 'processor'> & { readonly adapter: string };
  /** What was measured otherwise, beside the commit: `adapter`, `processor`, `webgpu`, `node`. */
  readonly differs: readonly string[];
  /** Times that changed beyond noise. */
  readonly changes: readonly Change[];
  /** How many times did not. */
  readonly unchanged: number;
  /** How many results are in this report alone, */
  readonly added: number;
  /** and in the earlier one alone. */
  readonly missing: number;
}

export interface Change extends Pick<BenchResult, 'cell' | 'options' | 'dims' | 'strategy'> {
  readonly scope: Scope;
  /** In milliseconds. */
  readonly before: Pick<Timing, 'median' | 'deviation'>;
  readonly now: Pick<Timing, 'median' | 'deviation'>;
}

export const SCOPES = ['forward', 'forwardBackward'] as const;
export type Scope = (typeof SCOPES)[number];

export type Colors = ReturnType<typeof pc.createColors>;

/** The median, its median absolute deviation, the least, and how many were timed. */
const HEAD = ['cell', 'dims', 'strategy', 'pass', 'dispatches', 'ms', '±', 'min', 'runs', 'GFLOP/s'];

/** The share of the roofline. */
const REACH = 'of the roof';

/**
 * Aligned columns: a row for forward and one for forward + backward of every cell, and for every peer its time
 * and how many times as fast we are.
 */
export function formatBench(report: BenchReport, colors: Colors = pc.createColors(false)): string {
  const peers = [...new Set(report.results.flatMap((result) => Object.keys(result.peers)))] as PeerName[];
  const hasReach = report.results.some(({ reach }) => reach !== undefined);
  const columns = { peers, reach: hasReach ? [REACH] : [] };
  const rows = report.results.flatMap((result) => [
    row(result, 'forward', columns, 'forward', String(result.dispatches.forward)),
    row(result, 'forwardBackward', columns, 'forward + backward', `${result.dispatches.forward} + ${result.dispatches.backward}`),
  ]);
  const table = [[...HEAD, ...columns.reach, ...peers.flatMap((peer) => [`${peer} ms`, 'ratio'])], ...rows];
  const lines = alignColumns(table, 4);
  return [
    colors.bold(lines[0] ?? ''),
    ...lines.slice(1).map((line, index) => (index % 2 === 0 ? line : colors.cyan(line))),
    ...notes(report).map((note) => colors.dim(note)),
  ].join('\n');
}

interface Columns {
  readonly peers: readonly PeerName[];
  readonly reach: readonly string[];
}

function row(result: BenchResult, scope: Scope, { peers, reach }: Columns, pass: string, dispatches: string): string[] {
  const time = `${scope}Ms` as const;
  const { deviation, min, samples } = result.timings[scope];
  const first = scope === 'forward';
  return [
    first ? result.cell : '',
    first ? dimsText(result.dims) : '',
    first ? result.strategy : '',
    pass,
    dispatches,
    milliseconds(result[time]),
    milliseconds(deviation),
    milliseconds(min),
    String(samples),
    result.gflops[scope].toFixed(1),
    ...reach.map(() => (result.reach === undefined ? '-' : `${(100 * result.reach[scope].share).toFixed(1)} %`)),
    ...peers.flatMap((name) => {
      const peer = result.peers[name];
      if (peer === undefined || 'unavailable' in peer) return ['-', '-'];
      const [ms, ratio] = [peer[time], peer.ratio[scope]];
      return ms === undefined || ratio === undefined ? ['-', '-'] : [milliseconds(ms), ratioText(ratio)];
    }),
  ];
}

/** `recurve 0.1.0 (1a2b3c4d5e6f), webgpu 0.6.2, Node 22.1.0, SwiftShader driver 5.0.0`. */
export function measuredWith({ versions, commit, adapter }: MeasuredWith): string {
  const { recurve, webgpu, node } = versions;
  const name = typeof adapter === 'string' ? adapter : adapter.name;
  return `recurve ${recurve}${commit === undefined ? '' : ` (${commit})`}, webgpu ${webgpu}, Node ${node}, ${name}`;
}

type MeasuredWith = Pick<Provenance, 'versions' | 'commit'> & { readonly adapter: string | Pick<AdapterReport, 'name'> };

/** `T=64,B=32,I=128,H=128`. */
export const dimsText = (dims: Sizes): string =>
  Object.entries(dims)
    .map(([dim, size]) => `${dim}=${size}`)
    .join(',');

/** What a reader must know about a number above. */
function notes(report: BenchReport): string[] {
  const found = report.results.flatMap((result) =>
    Object.entries(result.peers).flatMap(([name, peer]) => {
      if ('unavailable' in peer) return [`${result.cell}: no ${name}: ${peer.unavailable}`];
      return peer.note === undefined ? [] : [`${result.cell}: ${name}: ${peer.note}`];
    }),
  );
  return [...new Set(found)];
}

/** `16.2x`, and where the peer is faster `0.062x`. */
export function ratioText(ratio: number): string {
  return `${ratio >= 1 ? ratio.toFixed(1) : ratio.toPrecision(2)}x`;
}

/** Three digits that mean something. */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Pads every column to its widest cell: the first `left` to the left, the others, numbers, to the right. */
export function alignColumns(rows: readonly (readonly string[])[], left: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (column < left ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
