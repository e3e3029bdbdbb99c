/** Curves and maps as pictures, by Vega, which needs no browser. */
import { axis, FONT, frame, render, WHOLE } from './frame.js';
import type { Curve } from './sketch.js';

/** A value of every unit over time. */
export interface HeatMap {
  readonly title: string;
  /** `[T][units]`. */
  readonly values: readonly (readonly number[])[];
}

const CURVES = { width: 640, height: 320 };
const HEAT_MAP = { width: 640, height: 160 };

/** ‖∂L/∂h_t‖ over t, on a logarithmic scale: an SVG that stands by itself. */
export function curvesPicture(title: string, curves: readonly Curve[]): Promise<string> {
  const values = curves.flatMap(({ name, values: norms }) =>
    norms.flatMap((norm, t) => (norm > 0 && Number.isFinite(norm) ? [{ name, t, norm }] : [])),
  );
  return render({
    ...frame(title, CURVES),
    data: [{ name: 'norms', values }],
    scales: [
      { name: 'x', type: 'linear', range: 'width', domain: { data: 'norms', field: 't' }, nice: false, zero: true },
      { name: 'y', type: 'log', range: 'height', domain: { data: 'norms', field: 'norm' } },
      // The order of the legend is that of the command line.
      { name: 'color', type: 'ordinal', range: { scheme: 'tableau10' }, domain: curves.map(({ name }) => name) },
    ],
    axes: [axis('bottom', 'step t', WHOLE), axis('left', '‖∂L/∂h‖ at step t', { format: '.0e', grid: true, tickCount: 8 })],
    legends: [{ fill: 'color', symbolType: 'stroke', stroke: 'color', labelFont: FONT }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'curve', data: 'norms', groupby: 'name' } },
        marks: [
          {
            type: 'line',
            from: { data: 'curve' },
            encode: {
              enter: {
                x: { scale: 'x', field: 't' },
                y: { scale: 'y', field: 'norm' },
                stroke: { scale: 'color', field: 'name' },
                strokeWidth: { value: 2 },
              },
            },
          },
        ],
      },
    ],
  });
}

/** Darker where larger. */
export function mapPicture({ title, values }: HeatMap): Promise<string> {
  const cells = values.flatMap((units, t) =>
    units.flatMap((value, unit) => (Number.isFinite(value) ? [{ t, unit, value }] : [])),
  );
  const [T, H] = [values.length, values[0]?.length ?? 1];
  return render({
    ...frame(title, HEAT_MAP),
    data: [{ name: 'cells', values: cells }],
    scales: [
      { name: 'x', type: 'linear', range: 'width', domain: [0, T], nice: false },
      { name: 'y', type: 'linear', range: [0, HEAT_MAP.height], domain: [0, H], nice: false },
      { name: 'color', type: 'linear', range: { scheme: 'viridis' }, domain: { data: 'cells', field: 'value' } },
    ],
    axes: [axis('bottom', 'step t', WHOLE), axis('left', 'unit', WHOLE)],
    legends: [{ fill: 'color', type: 'gradient', labelFont: FONT, format: '.2' }],
    marks: [
      {
        type: 'rect',
        from: { data: 'cells' },
        encode: {
          enter: {
            x: { scale: 'x', field: 't' },
            x2: { scale: 'x', signal: 'datum.t + 1' },
            y: { scale: 'y', field: 'unit' },
            y2: { scale: 'y', signal: 'datum.unit + 1' },
            fill: { scale: 'color', field: 'value' },
          },
        },
      },
    ],
  });
}
