/** The roofline: how fast runs compute over how many operations they do for each byte, below what the machine can do at most. */
import { type BenchResult, dimsText, SCOPES, type Scope } from '../../bench/report.js';
import type { Rates } from '../../runtime/roofline/index.js';
import { axis, FONT, frame, render } from './frame.js';

export type Reached = BenchResult & { readonly reach: NonNullable<BenchResult['reach']> };

/** Tableau's again, one for each cell. */
const COLORS = ['#4c78a8', '#f58518', '#54a24b', '#e45756', '#b279a2', '#9d755d', '#72b7b2', '#eeca3b', '#ff9da6', '#bab0ac'];
const NAMES: Readonly<Record<Scope, string>> = { forward: 'forward', forwardBackward: 'forward + backward' };
const ROOF_POINTS = 48;

/** Where a machine of so many operations and bytes a second has its roof over so many operations for each byte. */
export const roofAt = (intensity: number, gflops: number, gbytes: number): number => Math.min(gflops, intensity * gbytes);

export function rooflinePicture(rates: Rates, results: readonly Reached[]): Promise<string> {
  const points = results.flatMap((result) =>
    SCOPES.map((scope) => ({
      cell: result.cell,
      scope: NAMES[scope],
      intensity: result.reach[scope].intensity,
      gflops: result.gflops[scope],
      what: `${result.cell} ${dimsText(result.dims)}, ${NAMES[scope]}`,
    })),
  );
  const ridge = rates.fma.value / rates.stream.value;
  const ends = [...points.map(({ intensity }) => intensity), ridge];
  const [low, high] = [Math.min(...ends) / 2, Math.max(...ends) * 2];
  const roof = (gflops: number, roofName: string) =>
    Array.from({ length: ROOF_POINTS + 1 }, (_, at) => low * (high / low) ** (at / ROOF_POINTS)).map((intensity) => ({
      intensity,
      roofName,
      gflops: roofAt(intensity, gflops, rates.stream.value),
    }));
  const cells = [...new Set(points.map(({ cell }) => cell))];
  const color = { scale: 'color', field: 'cell' };
  return render({
    ...frame('operations a second over operations for each byte', { width: 560, height: 320 }),
    data: [
      { name: 'points', values: points },
      { name: 'roofs', values: [...roof(rates.fma.value, 'registers'), ...roof(rates.product.value, 'products')] },
    ],
    scales: [
      { name: 'x', type: 'log', range: 'width', domain: [low, high] },
      {
        name: 'y',
        type: 'log',
        range: 'height',
        domain: [Math.min(...points.map(({ gflops }) => gflops)) / 2, Math.max(rates.fma.value, rates.product.value) * 1.5],
      },
      { name: 'color', type: 'ordinal', domain: cells, range: COLORS },
      { name: 'shape', type: 'ordinal', domain: Object.values(NAMES), range: ['circle', 'square'] },
      {
        name: 'dash',
        type: 'ordinal',
        domain: ['registers', 'products'],
        range: [
          [1, 0],
          [5, 4],
        ],
      },
    ],
    axes: [
      axis('bottom', 'FLOP for each byte', { format: '~g', tickCount: 6, labelOverlap: true }),
      axis('left', 'GFLOP/s', { grid: true, gridColor: '#eee', format: '~g', tickCount: 6, labelOverlap: true }),
    ],
    legends: [
      { fill: 'color', labelFont: FONT, orient: 'right', symbolType: 'circle', symbolStrokeWidth: 0 },
      { shape: 'shape', labelFont: FONT, orient: 'right' },
    ],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'roof', data: 'roofs', groupby: 'roofName' } },
        marks: [
          {
            type: 'line',
            from: { data: 'roof' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'intensity' },
                y: { scale: 'y', field: 'gflops' },
                stroke: { value: '#333' },
                strokeDash: { scale: 'dash', field: 'roofName' },
                clip: { value: true },
              },
            },
          },
        ],
      },
      {
        type: 'symbol',
        from: { data: 'points' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'intensity' },
            y: { scale: 'y', field: 'gflops' },
            shape: { scale: 'shape', field: 'scope' },
            size: { value: 44 },
            fill: color,
            fillOpacity: { value: 0.75 },
            tooltip: { field: 'what' },
          },
        },
      },
    ],
  });
}
