/** Where the adjoint keeps a zero cotangent from slopes: which values a branch can cut off, and which can be infinite or NaN. */
import { describe, expect, test } from 'vitest';
import { lower, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/index.js';
import type { StepGraph } from '../../codegen/ir/graph.js';
import { gatedValues } from '../../codegen/passes/gated.js';
import { Ranges } from '../../codegen/passes/ranges.js';
import { differentiate } from '../../codegen/pipeline.js';

const NAMES =
  'blockTriangular broadcast cell clamp conv1d delay dropConnect dropout exp expm1 index kernel log log1p map mat matvec max maxOver mod relu scalar sigmoid slice sqrt square step sum tanh transpose vec zoneout';

/** `next` are the next values of the states h, c and g. */
function stepOf(h: string, c = 'c', g = 'g') {
  const tree = parseCellSource(
    'branch.cell.ts',
    `import { ${NAMES.split(' ').join(', ')} } from 'recurve';
    export default cell({
      name: 'branch', dims: ['H', 'K'], inputs: { x: vec('H'), y: vec('H'), d: vec('H') },
      state: { g: vec('H'), c: vec('H'), h: vec('H') },
      params: { v: vec('H'), w: vec('H'), U: mat('H', 'H'), W: mat('H', 'H') },
      step({ x, y, d }, { h, c, g }, p, { t }) {
        return { h: ${h}, c: ${c}, g: ${g}, all: x + y + d + h + c + g + p.v + p.w + matvec(p.W, x) };
      },
    });`,
  );
  const signature = resolveSignature(
    tree,
    resolveOptions(tree, tree.options.some(({ name }) => name === 'training') ? { training: true } : {}),
  );
  return { step: lower(tree, signature), signature };
}

/** Inputs and states that `gatedValues` finds. */
function gatedLeaves({ nodes, ...step }: StepGraph): string {
  const gated = gatedValues(nodes, step);
  return nodes
    .flatMap((node) => ((node.op === 'input' || node.op === 'state') && gated.has(node.id) ? [node.name] : []))
    .sort()
    .join(' ');
}

describe('a cotangent can be zero because of a branch', () => {
  test.each([
    ['x + tanh(h) * y', ''],
    ['matvec(p.U, x)', ''],
    ['sum(x) + y', ''],
    ['d > 0 ? x : y', 'x y'],
    ['d > 0 ? tanh(x * y) : 0', 'x y'],
    ['d > 0 ? matvec(p.U, x) + sum(y) : 0', 'x y'],
    ['tanh(d > y ? x : 0)', 'x'],
    ['max(x, 0.5)', 'x'],
    ['clamp(x, -1, 1)', 'x'],
    ['relu(x) + y', 'x'],
    ['y + maxOver(x)', 'x'],
    ["y + sum(slice(x, 'K', 0))", 'x'],
    ['matvec(blockTriangular(p.U, 2), x)', 'x'],
    ['matvec(dropConnect(p.U, 0.5), x)', 'x'],
    ['dropout(x, 0.5) + y', 'x'],
  ])('h = %s: %s', (next, gated) => {
    expect(gatedLeaves(stepOf(next).step)).toBe(gated);
  });

  test('through states, step after step, and through their past', () => {
    expect(gatedLeaves(stepOf('d > 0 ? c : 0', 'tanh(x)').step)).toBe('c x');
    expect(gatedLeaves(stepOf('d > 0 ? c : 0', 'tanh(g)', 'tanh(y)').step)).toBe('c g y');
    expect(gatedLeaves(stepOf('d > 0 ? delay(c, 3) : 0', 'tanh(x)').step)).toBe('x');
    expect(gatedLeaves(stepOf('d > 0 ? delay(x, 3) : 0', 'tanh(y)').step)).toBe('');
  });
});

const wild = ({ step }: { step: StepGraph }, state = 'h') => new Ranges(step.nodes, step.next).of(step.next[state] ?? -1).wild;

describe('a value of finite data can be infinite or NaN', () => {
  test.each([
    'x / d',
    'x / (1 - tanh(d))',
    'mod(x, d)',
    'sqrt(d)',
    'log(d)',
    'log1p(d)',
    'exp(d)',
    'expm1(d)',
    'd ** p.w',
    '(1 + square(d)) ** (1 + square(y))',
    'd ** -2',
    'x * d',
    'square(1e25 * tanh(x))',
    'x + 1 / d',
    'd > 0 ? 1 / d : x',
    'd > 0 ? x : 1 / d',
    'step(1 / d)',
    'clamp(1 / d, -1, 1)',
    'tanh(1 / d)',
    'x + sum(1 / d)',
    'x + maxOver(1 / d)',
    "x + sum(slice(1 / d, 'K', 0))",
    'matvec(p.U, 1 / d)',
    "broadcast(1 / sum(d), 'H')",
  ])('%s', (next) => {
    expect(wild(stepOf(next))).toBe(true);
  });

  test.each([
    'x + d - h',
    'x * p.w',
    'x * tanh(d)',
    'square(tanh(x))',
    'x / (1 + square(tanh(d)))',
    'x / (2 + tanh(d))',
    'x / max(d, 0.1)',
    'mod(x, 2)',
    'sqrt(square(tanh(d)))',
    'sqrt(relu(d))',
    'log(0.1 + sigmoid(d))',
    'log1p(sigmoid(d))',
    'exp(tanh(d))',
    'exp(-relu(d))',
    'expm1(-relu(d))',
    '(2 + tanh(d)) ** 2',
    'exp(clamp(d, -5, 5))',
    '1 / d > 0 ? x : d',
    'x + sum(d)',
    'x + maxOver(d)',
    'matvec(p.U, d)',
    'x / (1 + t)',
    "x / (1 + index('H'))",
  ])('%s cannot', (next) => {
    expect(wild(stepOf(next))).toBe(false);
  });

  test('where a state or its past can be', () => {
    expect(wild(stepOf('0.5 * c', '1 / d'))).toBe(true);
    expect(wild(stepOf('0.5 * c', 'g', '1 / d'))).toBe(true);
    expect(wild(stepOf('0.5 * delay(c, 2)', '1 / d'))).toBe(true);
    expect(wild(stepOf('0.5 * delay(x, 2)', '1 / d'))).toBe(false);
    expect(wild(stepOf('0.5 * c', 'tanh(d)'))).toBe(false);
  });
});

describe('the adjoint', () => {
  const adjointOf = (next: string) => {
    const { step, signature } = stepOf(next);
    return differentiate(step, signature);
  };
  const selects = (next: string) => adjointOf(next).builder.nodes.filter(({ op }) => op === 'select').length;
  const gateOf = (next: string) => adjointOf(next).params.U?.map((term) => (term.kind === 'outer' ? term.gate : 'sum'));

  test('keeps zeros only where a branch stands before a slope that can be infinite', () => {
    expect(selects('d > 0 ? x / d : 0')).toBeGreaterThan(selects('d > 0 ? x / 2 : 0'));
    expect(selects('x / d')).toBe(selects('x / 2'));
    expect(selects('d > 0 ? sqrt(relu(x)) : 0')).toBeGreaterThan(selects('d > 0 ? tanh(relu(x)) : 0'));
  });

  test('tells gradients of matrices which factor is such a zero', () => {
    expect(gateOf('d > 0 ? matvec(p.U, 1 / d) : 0')).toContain('left');
    expect(gateOf('d > 0 ? matvec(transpose(p.U), 1 / d) : 0')).toContain('right');
    expect(gateOf('d > 0 ? matvec(p.U, d) : 0')).not.toContain('left');
    expect(gateOf('matvec(p.U, 1 / d)')).not.toContain('left');
  });
});
