/** Times beside each other: how much is spent going forward and back, and how peers compare. */
import type { Mark, Spec } from 'vega';
import { axis, FONT, frame, render } from './frame.js';

/** A bar of one row. */
export interface Bar {
  readonly row: string;
  readonly from: number;
  readonly to: number;
  /** One of the colours' names. */
  readonly part: string;
}

export interface Bars {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** At the right end of each row. */
  readonly notes: ReadonlyMap<string, string>;
  readonly colors: ReadonlyMap<string, string>;
}

const ROW = 22;
const WIDTH = 420;

/** Parts of a whole, from 0 to 1. @param whole below the axis */
export function sharesPicture(bars: Bars, whole: string): Promise<string> {
  const x = { name: 'x', type: 'linear' as const, range: [0, WIDTH], domain: [0, 1], nice: false };
  return barsPicture(bars, x, axis('bottom', `share of ${whole}`, { format: '%', tickCount: 5 }));
}

/** Factors on a logarithmic scale, from 1 to either side. */
export function ratiosPicture(bars: Bars): Promise<string> {
  const ends = bars.bars.flatMap(({ from, to }) => [from, to]);
  const domain = [Math.min(0.5, ...ends), Math.max(2, ...ends)];
  const x = { name: 'x', type: 'log' as const, range: [0, WIDTH], domain };
  const one: Mark = {
    type: 'rule',
    encode: { enter: { x: { scale: 'x', value: 1 }, y: { value: 0 }, y2: { signal: 'height' }, stroke: { value: '#333' } } },
  };
  return barsPicture(
    bars,
    x,
    axis('bottom', 'their time over ours', { format: '~g', tickCount: 6, grid: true, gridColor: '#eee' }),
    [one],
  );
}

function barsPicture(
  { title, bars, notes, colors }: Bars,
  x: NonNullable<Spec['scales']>[number],
  bottom: NonNullable<Spec['axes']>[number],
  over: readonly Mark[] = [],
): Promise<string> {
  const rows = [...new Set(bars.map(({ row }) => row))];
  const height = ROW * rows.length;
  const labels = rows.map((row) => ({ row, text: notes.get(row) ?? '' }));
  return render({
    ...frame(title, { width: WIDTH, height }),
    data: [
      { name: 'bars', values: [...bars] },
      { name: 'labels', values: labels },
    ],
    scales: [
      x,
      { name: 'y', type: 'band', range: [0, height], domain: rows, padding: 0.25 },
      { name: 'color', type: 'ordinal', domain: [...colors.keys()], range: [...colors.values()] },
    ],
    axes: [
      bottom,
      { orient: 'left', scale: 'y', labelFont: FONT, labelLimit: 480, ticks: false, domain: false, labelPadding: 8 },
    ],
    legends: [
      { fill: 'color', labelFont: FONT, orient: 'top', direction: 'horizontal', symbolType: 'square', symbolStrokeWidth: 0 },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'from' },
            x2: { scale: 'x', field: 'to' },
            y: { scale: 'y', field: 'row' },
            height: { scale: 'y', band: 1 },
            fill: { scale: 'color', field: 'part' },
          },
        },
      },
      ...over,
      {
        type: 'text',
        from: { data: 'labels' },
        encode: {
          enter: {
            x: { value: WIDTH + 8 },
            y: { scale: 'y', field: 'row', band: 0.5 },
            text: { field: 'text' },
            baseline: { value: 'middle' },
            font: { value: FONT },
            fontSize: { value: 11 },
            fill: { value: '#333' },
          },
        },
      },
    ],
  });
}
