/** Curves and maps in characters, for a terminal. */

export interface Curve {
  readonly name: string;
  readonly values: readonly number[];
}

const WIDTH = 72;
const HEIGHT = 14;
const MARKS = ['●', '○', '▲', '△', '■', '□', '◆', '◇'];
const SHADES = [' ', '░', '▒', '▓', '█'];

/**
 * Curves over the steps, on a logarithmic scale: one mark for each curve, the first over the others. What is 0 or no number
 * has no place on it.
 */
export function sketchCurves(curves: readonly Curve[]): string {
  const logs = curves.map(({ values }) => values.map((value) => (value > 0 ? Math.log10(value) : Number.NaN)));
  const finite = logs.flat().filter(Number.isFinite);
  const [low, high] = [Math.floor(Math.min(...finite)), Math.ceil(Math.max(...finite))];
  if (finite.length === 0) return 'no norm is a number above 0';
  const span = Math.max(high - low, 1);
  const steps = Math.max(...curves.map(({ values }) => values.length));
  const width = Math.min(WIDTH, steps);
  const rows = Array.from({ length: HEIGHT }, () => Array<string>(width).fill(' '));
  for (const [index, log] of [...logs.entries()].reverse()) {
    for (let column = 0; column < width; column++) {
      const value = log[width === 1 ? 0 : Math.round((column * (log.length - 1)) / (width - 1))];
      if (value === undefined || !Number.isFinite(value)) continue;
      const row = rows[Math.round(((high - value) / span) * (HEIGHT - 1))];
      if (row !== undefined) row[column] = MARKS[index % MARKS.length] ?? '●';
    }
  }
  const label = (row: number) => (row === 0 ? `1e${high}` : row === HEIGHT - 1 ? `1e${high - span}` : '');
  return [
    ...rows.map((row, at) => `${label(at).padStart(6)} ┤${row.join('')}`.trimEnd()),
    `${' '.repeat(6)} └${'─'.repeat(width)}`,
    `${' '.repeat(8)}t = 0${`${steps - 1}`.padStart(Math.max(1, width - 5))}`,
    `${' '.repeat(8)}${curves.map(({ name }, index) => `${MARKS[index % MARKS.length]} ${name}`).join('   ')}`,
  ].join('\n');
}

/** Units down, steps across, darker where larger. @param values `[T][units]` */
export function sketchMap(values: readonly (readonly number[])[]): string {
  const all = values.flat().filter(Number.isFinite);
  if (all.length === 0) return 'no value is a number';
  const low = all.reduce((least, value) => Math.min(least, value));
  const high = all.reduce((most, value) => Math.max(most, value));
  const units = Math.min(values[0]?.length ?? 0, HEIGHT);
  const width = Math.min(WIDTH, values.length);
  const shade = (value: number | undefined) => {
    if (value === undefined || !Number.isFinite(value)) return '?';
    const level = high === low ? 0 : ((value - low) / (high - low)) * (SHADES.length - 1);
    return SHADES[Math.round(level)] ?? '?';
  };
  const lines = Array.from({ length: units }, (_, unit) =>
    Array.from({ length: width }, (_, column) => {
      const t = width === 1 ? 0 : Math.round((column * (values.length - 1)) / (width - 1));
      return shade(values[t]?.[unit]);
    }).join(''),
  );
  const left = (values[0]?.length ?? 0) - units;
  const range = `from ${low.toPrecision(3)} (light) to ${high.toPrecision(3)} (dark)`;
  return [
    ...lines.map((line, unit) => `${`${unit}`.padStart(6)} ┤${line}`),
    `${' '.repeat(8)}${range}${left > 0 ? `, and ${left} units more` : ''}`,
  ].join('\n');
}
