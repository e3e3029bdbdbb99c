/** How times grow with the steps, sequences and widths. */
import { type BenchResult, SCOPES, type Scope } from '../../bench/report.js';
import { axis, frame, render } from './frame.js';

/** What grows in one picture, and the times. */
export interface Scaling {
  /** `T`; `I = H` where several grow together. */
  readonly grows: string;
  /** What stays as it is: `B=1, I=64, H=64`. */
  readonly fixed: string;
  readonly points: readonly ScalingPoint[];
}

export interface ScalingPoint {
  readonly size: number;
  readonly strategy: string;
  readonly scope: Scope;
  /** In milliseconds: the median, the least, and the median with its deviation. */
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** As the compiler takes it by itself. */
  readonly chosen: boolean;
}

/**
 * Of results of one cell at several shapes: those that differ from the first in the same dims, by the same factor, make a curve
 * with it.
 */
export function scalingsOf(results: readonly BenchResult[]): Scaling[] {
  const [first] = results;
  if (first === undefined) return [];
  const grown = new Map<string, BenchResult[]>();
  for (const result of results) {
    const dims = grownDims(first, result);
    if (dims.length > 0) grown.set(dims.join(), [...(grown.get(dims.join()) ?? []), result]);
  }
  const sameShape = results.filter((result) => changedDims(first, result).length === 0);
  return [...grown].map(([key, others]): Scaling => {
    const dims = key.split(',');
    const lead = dims[0] ?? '';
    const equal = [first, ...others].every((result) => dims.every((dim) => result.dims[dim] === result.dims[lead]));
    const fixed = Object.entries(first.dims).filter(([dim]) => !dims.includes(dim));
    return {
      grows: dims.join(equal ? ' = ' : ', '),
      fixed: fixed.map(([dim, size]) => `${dim}=${size}`).join(', '),
      points: [...sameShape, ...others]
        .toSorted((a, b) => (a.dims[lead] ?? 0) - (b.dims[lead] ?? 0))
        .flatMap((result) => pointsOf(result, result.dims[lead] ?? 0)),
    };
  });
}

/** Whether a result lies on a curve, or is where they meet. */
export const isOnCurve = (first: BenchResult, result: BenchResult): boolean => grownDims(first, result).length > 0;

const changedDims = (first: BenchResult, { dims }: BenchResult): string[] =>
  Object.keys(first.dims).filter((dim) => dims[dim] !== first.dims[dim]);

/** Those that differ, where all do by the same factor; none otherwise. */
function grownDims(first: BenchResult, result: BenchResult): string[] {
  const dims = changedDims(first, result);
  const factors = dims.map((dim) => (result.dims[dim] ?? 0) / (first.dims[dim] ?? 0));
  return factors.every((factor) => factor === factors[0]) ? dims : [];
}

function pointsOf({ strategy, chosen, timings }: BenchResult, size: number): ScalingPoint[] {
  return SCOPES.map((scope) => {
    const { median, min, deviation } = timings[scope];
    return { size, strategy, scope, median, low: min, high: median + deviation, chosen };
  });
}

/** Logarithmic both ways: a straight line at 45° grows with the size. */
export function scalingPicture({ grows, fixed, points }: Scaling, colors: ReadonlyMap<string, string>): Promise<string> {
  const sizes = [...new Set(points.map(({ size }) => size))];
  const values = points.map((point) => ({ ...point, line: `${point.strategy} ${point.scope}` }));
  const color = { scale: 'color', field: 'strategy' };
  const at = (field: string) => ({ scale: 'y', field });
  return render({
    ...frame(`over ${grows}${fixed === '' ? '' : ` (${fixed})`}`, { width: 250, height: 230 }),
    data: [{ name: 'points', values }],
    scales: [
      { name: 'x', type: 'log', base: 2, range: 'width', domain: [Math.min(...sizes), Math.max(...sizes)], padding: 12 },
      { name: 'y', type: 'log', range: 'height', domain: { data: 'points', fields: ['low', 'high'] }, nice: false, padding: 10 },
      { name: 'color', type: 'ordinal', domain: [...colors.keys()], range: [...colors.values()] },
      {
        name: 'dash',
        type: 'ordinal',
        domain: [...SCOPES],
        range: [
          [4, 3],
          [1, 0],
        ],
      },
    ],
    axes: [
      axis('bottom', grows, { values: sizes, format: 'd' }),
      axis('left', 'ms', { grid: true, gridColor: '#eee', format: '~g', tickCount: 5, labelOverlap: true }),
    ],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'line', data: 'points', groupby: ['line', 'strategy', 'scope'] } },
        marks: [
          {
            type: 'line',
            from: { data: 'line' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'size' },
                y: at('median'),
                stroke: color,
                strokeWidth: { value: 1.8 },
                strokeDash: { scale: 'dash', field: 'scope' },
              },
            },
          },
        ],
      },
      {
        type: 'rule',
        from: { data: 'points' },
        encode: { enter: { x: { scale: 'x', field: 'size' }, y: at('low'), y2: at('high'), stroke: color } },
      },
      {
        type: 'symbol',
        from: { data: 'points' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'size' },
            y: at('median'),
            size: { value: 34 },
            stroke: color,
            fill: [{ test: 'datum.chosen', ...color }, { value: 'white' }],
          },
        },
      },
    ],
  });
}
