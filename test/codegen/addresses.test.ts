/**
 * Where kernels read values of other steps. A guard's `select` hides what an address outside the sequence gives, and
 * adapters usually keep such an address inside the buffer, so that no result shows it; without robust access it is undefined.
 */
import { describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import type { KernelSpec, Target } from '../../codegen/plan.js';
import { fromText, prepare } from '../conformance/compare-cell.js';

const TARGET: Target = {
  subgroup: 8,
  software: true,
  broadcasts: false,
  maxBufferBytes: 2 ** 30,
  maxBindingBytes: 2 ** 27,
  maxWorkgroupsPerDimension: 65_535,
  maxStorageBuffers: 8,
  maxKernelInstructions: 4000,
  maxDispatchWork: 2 ** 28,
};
const SIZES = { T: 4, B: 3, H: 5 };
const QUADS = 2;

const CELLS: Readonly<Record<string, string>> = {
  'per unit, of states and inputs': '{ h: tanh(delay(h, 1) * delay(x, 2)) + delay(h, 3) * x }',
  'of more steps than there are': '{ h: tanh(delay(h, 6)) + matvec(p.U, delay(h, 7)) + matvec(p.W, delay(x, 9)) * delay(x, 5) }',
  'contracted in the loop, before and after it':
    '{ h: tanh(matvec(p.U, delay(h, 2)) + matvec(p.W, delay(x, 1))), y: matvec(p.V, delay(h, 1)) }',
  'none: the last step reads what no step behind it left': '{ h: tanh(matvec(p.U, h) + 0.5 * x) }',
};

describe('addresses of delayed values', () => {
  it.each(Object.entries(CELLS))('%s', (_, next) => {
    const params = ['U', 'V', 'W'].filter((name) => next.includes(`p.${name}`)).map((name) => `${name}: mat('H', 'H')`);
    const tree = fromText(`import { cell, delay, mat, matvec, tanh, vec } from 'recurve';
      export default cell({ name: 'delays', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') },
        params: { ${params.join(', ')} }, step({ x }, { h }, p) { return ${next}; } });`);
    const { options } = prepare(tree, SIZES);
    const { kernels, passes, buffers } = compile(tree, { options, sizes: SIZES, gradients: true, target: TARGET });
    const words = new Map(buffers.map(({ name, bytes }) => [name, bytes / 16]));
    let found = 0;
    for (const kernel of kernels) {
      const region = passes.find(({ kernel: name }) => name === kernel.name)?.region;
      const initial = kernel.name.startsWith('backward_initial');
      const rows = region === 'loop' || initial ? SIZES.B : SIZES.T * SIZES.B;
      const ranges = { step: initial ? ([-1, -1] as const) : ([0, SIZES.T - 1] as const), row: [0, rows - 1] as const };
      for (const { buffer, index } of reads(kernel)) {
        if (!index.includes('u32(')) continue;
        found++;
        const values = valuesOf(index, ranges);
        expect(Math.min(...values), `${kernel.name}: ${buffer}[${index}]`).toBeGreaterThanOrEqual(0);
        expect(Math.max(...values), `${kernel.name}: ${buffer}[${index}]`).toBeLessThan(words.get(buffer) ?? 0);
      }
    }
    expect(found).toBeGreaterThan(0);
  });
});

/** What a kernel indexes its buffers with; where a row starts is written out. */
function reads({ wgsl, bindings }: KernelSpec): { buffer: string; index: string }[] {
  const starts = new Map(
    [...wgsl.matchAll(/let (base\d+|(?:left|right)Start\d+) = (.*);/g)].map(([, name = '', text = '']) => [name, text]),
  );
  return bindings.flatMap(({ buffer }) =>
    [...wgsl.matchAll(new RegExp(`\\b${buffer}\\[`, 'g'))].map((match) => {
      const from = match.index + match[0].length;
      let depth = 1;
      let to = from;
      for (; depth > 0; to++) depth += wgsl[to] === '[' ? 1 : wgsl[to] === ']' ? -1 : 0;
      const index = wgsl
        .slice(from, to - 1)
        .replace(/\b(base|leftStart|rightStart)\d+\b/g, (name) => `(${starts.get(name) ?? name})`);
      return { buffer, index };
    }),
  );
}

/** What an index is for all steps, sequences and units. A step, and a row of the T·B, must be among those that have a slot. */
function valuesOf(index: string, { step, row }: Record<'step' | 'row', readonly [number, number]>): number[] {
  const names = [...new Set(index.match(/\b[a-z]\w*\b/g))].filter((name) => !['u32', 'i32', 'clamp'].includes(name));
  const units = [0, QUADS - 1] as const;
  const ranges = names.map((name): readonly [number, number] => {
    if (name === 't' || name === 'time') return step;
    if (name.startsWith('row')) return row;
    if (name === 'b') return [0, SIZES.B - 1];
    if (name === 'col' || name === 'k' || name === 'quad') return units;
    throw new Error(`what ${name} may be in ${index} is not known`);
  });
  const text = index.replace(/(\d)u\b/g, '$1').replaceAll('u32(', `u32(${/i32\(row/.test(index) ? 'slots * batch' : 'slots'}, `);
  const evaluate = new Function('u32', 'i32', 'clamp', 'slots', 'batch', ...names, `return ${text};`);
  const unsigned = (end: number, value: number) => {
    expect(value, index).toBeGreaterThanOrEqual(0);
    expect(value, index).toBeLessThan(end);
    return value;
  };
  const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  let points: number[][] = [[]];
  for (const [from, to] of ranges) {
    points = points.flatMap((point) => Array.from({ length: to - from + 1 }, (_, at) => [...point, from + at]));
  }
  return points.map((point) => evaluate(unsigned, Math.trunc, clamp, SIZES.T + 1, SIZES.B, ...point));
}
