/** What every operation that is not per unit becomes in the step graph. */
import { describe, expect, test } from 'vitest';
import { checkSpec, lower, parseCell, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { isContract, type Node, type NodeId, type StepGraph } from '../../codegen/ir/graph.js';
import { chooseSizes, completeSizes } from '../../codegen/ir/sizes.js';
import { verify } from '../../codegen/ir/verify.js';
import { cellOf, type Parts } from './specs.js';

const NAMES =
  'antisymmetric, blockIndex, blockTriangular, blocks, broadcast, cell, concat, conv1d, conv2d, delay, dot, dropConnect, ' +
  'dropout, flag, index, integer, kernel, logSumExp, lowRank, map, mat, matvec, max, maxOver, mean, noise, norm, outer, ' +
  'real, scalar, sigmoid, slice, softmax, split, stack, sum, tanh, transpose, variance, vec, zoneout';

function graphOf(parts: Parts, options: Record<string, OptionValue> = {}): StepGraph {
  const tree = parseCellSource('mine.cell.ts', cellOf({ imports: `import { ${NAMES} } from 'recurve';`, ...parts }));
  return lower(tree, resolveSignature(tree, resolveOptions(tree, options)));
}

/** The output or next state `name` as one nested expression; every value with its shape where it changes. */
function formula(graph: StepGraph, name = 'h'): string {
  const id = graph.next[name] ?? graph.outputs[name];
  return id === undefined ? '' : show(graph, id);
}

function show(graph: StepGraph, id: NodeId): string {
  const node = graph.nodes[id];
  if (node === undefined) throw new Error(`no node ${id}`);
  const shape = `[${node.shape.join()}]`;
  const inner = (argument: NodeId) => show(graph, argument);
  if (isContract(node)) return `(${node.terms.map((term) => `${matrix(term)}·${inner(term.operand)}`).join(' + ')})${shape}`;
  if (node.op === 'reduce') return `${node.kind}_${node.axes.join()}(${inner(node.arg)})`;
  if (node.op === 'expand') return `${inner(node.arg)}→${shape}@${node.axes.join()}`;
  if (node.op === 'window') {
    const terms = node.offset.terms.map(({ dim, factor }) => `${factor < 0 ? '' : '+'}${factor}${dim}`).join('');
    return `${inner(node.arg)}{${node.axis}: ${node.stride}p+${node.offset.constant}${terms}}→${shape}`;
  }
  if ('args' in node) return `${node.op}(${node.args.map(inner).join(', ')})`;
  return leaf(node);
}

function leaf(node: Node): string {
  if (node.op === 'constant') return String(node.value);
  if (node.op === 'delayed') return `${node.name}@-${node.steps}`;
  if (node.op === 'random') return `${node.distribution}#${node.site}/${node.per}[${node.shape.join()}]`;
  if (node.op === 'extent') return `#(${node.dims.join()})`;
  if (node.op === 'index')
    return node.blocks === undefined ? `index[${node.shape.join()}]` : `block${node.blocks}[${node.shape.join()}]`;
  return 'name' in node ? node.name : node.op;
}

function matrix({ matrix: ref, transposed }: Extract<Node, { op: 'contract' }>['terms'][number]): string {
  const { param, slice, triangle, drop } = ref;
  const taken = slice === undefined ? '' : `[${slice.index}/${slice.axes}]`;
  const masked = triangle === undefined ? '' : `${triangle.side === 'upper' ? '◹' : '◺'}${triangle.blocks}`;
  const rate = drop === undefined ? '' : `?${drop.site}<${typeof drop.rate === 'number' ? drop.rate : drop.rate.param}`;
  return `${param}${taken}${masked}${rate}${transposed ? 'ᵀ' : ''}`;
}

const MAPS: Parts = { dims: "['X', 'I', 'H']", inputs: "{ x: map('X', 'I') }", state: "{ h: map('X', 'H') }" };

/** The output `y` of a step over a vector x of I and a vector state h of H. */
function outputOf(params: string, y: string, more: Parts = {}, options: Record<string, OptionValue> = {}): string {
  const body = `return { h, y: ${y} };`;
  return formula(graphOf({ params, body, ...more }, options), 'y');
}

describe('products', () => {
  test('a matrix keeps the leading axes of its operand', () => {
    expect(formula(graphOf({ params: "{ W: mat('H', 'I') }", body: 'return { h: matvec(p.W, x) };', ...MAPS }))).toBe(
      '(W·x)[X,H]',
    );
  });

  test('blocks have one matrix for every head, and keep what is before the heads', () => {
    const heads = { dims: "['N', 'O', 'H']", inputs: "{ x: map('N', 'H') }", state: "{ h: vec('H') }" };
    expect(outputOf("{ W: blocks('N', 'O', 'H') }", 'matvec(p.W, x)', heads)).toBe('(W·x)[N,O]');
    const deep = { ...heads, inputs: "{ x: map('O', 'N', 'H') }" };
    expect(outputOf("{ W: blocks('N', 3, 'H') }", 'matvec(p.W, x)', deep)).toBe('(W·x)[O,N,3]');
  });

  test('one matrix of a stack and one tap of a kernel are matrices', () => {
    expect(outputOf("{ U: stack(3, 'H', 'I') }", 'matvec(p.U[0], x) + matvec(p.U[2], x)')).toBe(
      'add((U[0/1]·x)[H], (U[2/1]·x)[H])',
    );
    expect(outputOf("{ K: kernel('H', 'I', 3) }", 'matvec(p.K[1], x)')).toBe('(K[1/1]·x)[H]');
    expect(outputOf("{ K: kernel('H', 'I', 3, 5) }", 'matvec(p.K[1][2], x)')).toBe('(K[7/2]·x)[H]');
  });

  test('a loop over a stack takes its matrices in turn', () => {
    const body = 'let y = h;\nfor (let k = 0; k < o.depth; k++) y = tanh(matvec(p.U[k], y));\nreturn { h: y + sum(x) };';
    const depth = { options: '{ depth: integer(2, { min: 1 }) }', params: "(o) => ({ U: stack(o.depth, 'H', 'H') })", body };
    expect(formula(graphOf(depth))).toBe('add(tanh((U[1/1]·tanh((U[0/1]·h)[H]))[H]), sum_0(x))');
    expect(formula(graphOf(depth, { depth: 1 }))).toBe('add(tanh((U[0/1]·h)[H]), sum_0(x))');
  });

  test('a matrix is transposed, masked and dropped in any order', () => {
    const U = "{ U: mat('H', 'H') }";
    expect(outputOf(U, 'matvec(transpose(p.U), h) + sum(x)')).toBe('add((Uᵀ·h)[H], sum_0(x))');
    expect(outputOf(U, 'matvec(transpose(transpose(p.U)), h) + sum(x)')).toBe('add((U·h)[H], sum_0(x))');
    expect(outputOf(U, 'matvec(blockTriangular(p.U, 4), h) + sum(x)')).toContain('(U◹4·h)');
    expect(outputOf(U, "matvec(blockTriangular(p.U, 4, 'lower'), h) + sum(x)")).toContain('(U◺4·h)');
    expect(outputOf(U, 'matvec(transpose(blockTriangular(p.U, 4)), h) + sum(x)')).toContain('(U◹4ᵀ·h)');
    // An upper triangle of the transpose is a lower one of the matrix.
    expect(outputOf(U, 'matvec(blockTriangular(transpose(p.U), 4), h) + sum(x)')).toContain('(U◺4ᵀ·h)');
    const all = 'matvec(transpose(dropConnect(blockTriangular(p.U, 2), 0.5)), h) + sum(x)';
    expect(outputOf(U, all, {}, { training: true })).toContain('(U◹2?0<0.5ᵀ·h)');
  });

  test('a transposed matrix takes its rows', () => {
    expect(outputOf("{ W: mat('H', 'I') }", 'matvec(transpose(p.W), h) * x')).toBe('mul((Wᵀ·h)[I], x)');
  });

  test('a computed matrix multiplies by a sum along one axis', () => {
    const memory: Parts = { state: "{ M: mat('H', 'I'), h: vec('H') }", params: '{}' };
    const step = (y: string) => `step({ x }, { M, h }, p) { return { M, h, y: ${y} }; },`;
    expect(formula(graphOf({ ...memory, step: step('matvec(M, x)') }), 'y')).toBe('sum_1(mul(M, x→[H,I]@1))');
    expect(formula(graphOf({ ...memory, step: step('matvec(transpose(M), h)') }), 'y')).toBe('sum_0(mul(M, h→[H,I]@0))');
    expect(formula(graphOf({ ...memory, step: step('matvec(M + outer(h, x), x)') }), 'y')).toBe(
      'sum_1(mul(add(M, mul(h→[H,I]@0, x→[H,I]@1)), x→[H,I]@1))',
    );
  });

  test('a matrix parameter is a value per connection beside a computed matrix', () => {
    const memory: Parts = {
      state: "{ M: mat('H', 'I') }",
      params: "{ A: mat('H', 'I') }",
      step: 'step({ x }, { M }, p) { return { M, y: matvec(p.A * M, x) }; },',
    };
    expect(formula(graphOf(memory), 'y')).toBe('sum_1(mul(mul(A, M), x→[H,I]@1))');
  });

  test('the other products are made of matvec, sum and expand', () => {
    expect(outputOf("{ A: mat('H', 2), B: mat(2, 'I') }", 'lowRank(p.A, p.B, x)')).toBe('(A·(B·x)[2])[H]');
    expect(outputOf("{ U: mat('H', 'H') }", 'antisymmetric(p.U, h) + sum(x)')).toBe('add(sub((U·h)[H], (Uᵀ·h)[H]), sum_0(x))');
    expect(outputOf('{}', 'outer(h, x)')).toBe('mul(h→[H,I]@0, x→[H,I]@1)');
    expect(outputOf('{}', 'dot(h, h) + sum(x)')).toBe('add(sum_0(mul(h, h)), sum_0(x))');
  });
});

describe('reductions', () => {
  const over = (y: string) => formula(graphOf({ params: '{}', body: `return { h, y: ${y} };`, ...MAPS }), 'y');

  test('sums and maxima go over all axes or the one named', () => {
    expect(over('sum(x)')).toBe('sum_0,1(x)');
    expect(over("sum(x, 'I')")).toBe('sum_1(x)');
    expect(over("maxOver(x, 'X')")).toBe('max_0(x)');
    expect(over('maxOver(x)')).toBe('max_0,1(x)');
  });

  test('a mean divides by how many there are', () => {
    expect(over('mean(x)')).toBe('div(sum_0,1(x), #(X,I))');
    expect(over("mean(x, 'X')")).toBe('div(sum_0(x), #(X))');
    expect(outputOf('{}', 'mean(x)', { inputs: '{ x: vec(12) }', dims: "['H']" })).toBe('div(sum_0(x), 12)');
  });

  test('the variance is that of the population, about a mean that lies beside every value', () => {
    expect(over('variance(x)')).toBe('div(sum_0,1(square(sub(x, div(sum_0,1(x), #(X,I))))), #(X,I))');
    expect(over("variance(x, 'I')")).toBe('div(sum_1(square(sub(x, div(sum_1(x), #(I))→[X,I]@0))), #(I))');
  });

  test('exponentials are taken below the maximum', () => {
    const powers = 'exp(sub(x, stopGradient(max_1(x))→[X,I]@0))';
    expect(over("softmax(x, 'I')")).toBe(`div(${powers}, sum_1(${powers})→[X,I]@0)`);
    // Held in both places: the gradient is the softmax, and the maximum adds nothing.
    const largest = 'stopGradient(max_0,1(x))';
    expect(over('logSumExp(x)')).toBe(`add(${largest}, log(sum_0,1(exp(sub(x, ${largest})))))`);
    expect(over('norm(x)')).toBe('sqrt(sum_0,1(square(x)))');
  });
});

describe('axes', () => {
  test('a broadcast finds the axes of its value in the new shape', () => {
    expect(outputOf('{}', "broadcast(h, 'I', 'H') * broadcast(x, 'I', 'H')")).toBe('mul(h→[I,H]@1, x→[I,H]@0)');
    expect(outputOf('{}', "broadcast(sum(x), 'H', 3)")).toBe('sum_0(x)→[H,3]@');
    expect(outputOf('{}', "broadcast(h, 'H') * sum(x)")).toBe('mul(h, sum_0(x))');
  });

  test('joined values stand behind each other, and their sizes add up', () => {
    const parts: Parts = { dims: "['I', 'H', 'N']", params: '{}', body: "return { h, y: concat('N', x, h, x) };" };
    const graph = graphOf(parts);
    expect(formula(graph, 'y')).toBe('add(add(x{0: 1p+0}→[N], h{0: 1p+0-1I}→[N]), x{0: 1p+0-1I-1H}→[N])');
    expect(graph.rules).toMatchObject([
      {
        dim: 'N',
        relation: 'equal',
        by: 'concat',
        divisor: 1,
        value: {
          constant: 0,
          terms: [
            { dim: 'I', factor: 2 },
            { dim: 'H', factor: 1 },
          ],
        },
      },
    ]);
  });

  test('a split gives consecutive slices of the last axis', () => {
    const body = "const [a, b] = split(matvec(p.W, x), 'H', 3);\nreturn { h: h + a, y: b };";
    const graph = graphOf({ dims: "['I', 'H', 'G']", params: "{ W: mat('G', 'I') }", body });
    expect(formula(graph, 'h')).toBe('add(h, (W·x)[G]{0: 1p+0}→[H])');
    expect(formula(graph, 'y')).toBe('(W·x)[G]{0: 1p+0+1H}→[3]');
    expect(graph.rules).toMatchObject([
      { dim: 'G', relation: 'equal', value: { constant: 3, terms: [{ dim: 'H', factor: 1 }] } },
    ]);
  });

  test('a slice asks for at least as many units as it ends with', () => {
    const graph = graphOf({ dims: "['I', 'H', 'K']", params: '{}', body: "return { h, y: slice(x, 'K', 2) };" });
    expect(formula(graph, 'y')).toBe('x{0: 1p+2}→[K]');
    expect(graph.rules).toMatchObject([
      { dim: 'I', relation: 'atLeast', value: { constant: 2, terms: [{ dim: 'K', factor: 1 }] } },
    ]);
  });

  test('fixed sizes that fit leave no rule behind', () => {
    const fixed: Parts = { dims: "['H']", inputs: '{ x: vec(4) }', params: '{}', body: 'return { h, y: slice(x, 2, 1) };' };
    expect(graphOf(fixed).rules).toEqual([]);
  });

  test('units and blocks are numbered', () => {
    expect(outputOf('{}', "index('H') * h + blockIndex('H', 4) * sum(x)")).toBe(
      'add(mul(index[H], h), mul(block4[H], sum_0(x)))',
    );
  });

  test('the number of the step is a scalar', () => {
    const step = 'step({ x }, { h }, p, { t }) { return { h: h + t * sum(x) }; },';
    expect(formula(graphOf({ params: '{}', step }))).toBe('add(h, mul(time, sum_0(x)))');
  });

  test('inputs and states are seen some steps ago, also through a helper', () => {
    const before = 'function earlier(v: number, k: number): number { return delay(v, k); }';
    expect(outputOf('{}', 'earlier(h, 2) + delay(h, 1) * sum(delay(x, 3))', { before })).toBe(
      'add(h@-2, mul(h@-1, sum_0(x@-3)))',
    );
  });

  test('scalars and matrices are inputs, states and outputs of their own', () => {
    const graph = graphOf({
      inputs: "{ x: vec('I'), gain: scalar() }",
      state: "{ n: scalar(), M: mat('I', 'I') }",
      params: '{}',
      step: 'step({ x, gain }, { n, M }, p) { return { n: n + 1, M: M * gain + outer(x, x), y: sum(x) }; },',
      dims: "['I']",
    });
    expect(formula(graph, 'n')).toBe('add(n, 1)');
    expect(formula(graph, 'y')).toBe('sum_0(x)');
    expect(formula(graph, 'M')).toBe('add(mul(M, gain), mul(x→[I,I]@0, x→[I,I]@1))');
  });
});

describe('convolutions', () => {
  const conv = (kernel: string, settings = '', more: Parts = {}) =>
    graphOf({
      dims: "['X', 'Y', 'X2', 'Y2', 'I', 'H', 'G']",
      inputs: "{ x: map('X', 'I') }",
      state: "{ h: vec('H') }",
      params: `{ K: ${kernel} }`,
      body: `return { h, y: conv${/3, 2|3, 3/.test(kernel) ? 2 : 1}d(p.K, x${settings}) };`,
      ...more,
    });

  test('same keeps the positions, its taps around each', () => {
    const graph = conv("kernel('H', 'I', 3)");
    expect(formula(graph, 'y')).toBe('(K[0/1]·x{0: 1p+-1}→[X,I] + K[1/1]·x + K[2/1]·x{0: 1p+1}→[X,I])[X,H]');
    expect(graph.rules).toEqual([]);
  });

  test('an even kernel and a dilated one put the smaller half before', () => {
    expect(formula(conv("kernel('H', 'I', 2)"), 'y')).toBe('(K[0/1]·x + K[1/1]·x{0: 1p+1}→[X,I])[X,H]');
    expect(formula(conv("kernel('H', 'I', 2)", ', { dilation: 3 }'), 'y')).toBe(
      '(K[0/1]·x{0: 1p+-1}→[X,I] + K[1/1]·x{0: 1p+2}→[X,I])[X,H]',
    );
  });

  test('causal sees only what is before', () => {
    expect(formula(conv("kernel('H', 'I', 2)", ", { padding: 'causal', dilation: 2 }"), 'y')).toBe(
      '(K[0/1]·x{0: 1p+-2}→[X,I] + K[1/1]·x)[X,H]',
    );
  });

  test('strides and valid give another number of positions, which follows from the first', () => {
    const strided = conv("kernel('H', 'I', 2)", ", { stride: 2, to: 'Y' }");
    expect(formula(strided, 'y')).toBe('(K[0/1]·x{0: 2p+0}→[Y,I] + K[1/1]·x{0: 2p+1}→[Y,I])[Y,H]');
    expect(strided.rules).toMatchObject([
      { dim: 'Y', relation: 'equal', divisor: 2, value: { constant: 1, terms: [{ dim: 'X', factor: 1 }] } },
    ]);
    const valid = conv("kernel('H', 'I', 3)", ", { padding: 'valid', stride: 2, dilation: 2, to: 'Y' }");
    // ⌊(X − 5) / 2⌋ + 1 = ⌊(X − 3) / 2⌋
    expect(valid.rules).toMatchObject([{ dim: 'Y', divisor: 2, value: { constant: -3, terms: [{ dim: 'X', factor: 1 }] } }]);
  });

  test('groups of channels have matrices of their own', () => {
    const grouped = conv("kernel('H', 'I', 2, { groups: 'G' })", '', { inputs: "{ x: map('X', 'G', 'I') }" });
    expect(formula(grouped, 'y')).toBe('(K[0/1]·x + K[1/1]·x{0: 1p+1}→[X,G,I])[X,G,H]');
  });

  test('two axes of positions have a tap for every pair', () => {
    const plane = { inputs: "{ x: map('X', 'Y', 'I') }" };
    const graph = conv("kernel('H', 'I', 3, 2)", ", { padding: 'valid', stride: [1, 2], to: ['X2', 'Y2'] }", plane);
    const tap = (k: number, x: number, y: number) => {
      const rows = `x{1: 2p+${y}}→[X,Y2,I]`;
      return `K[${k}/2]·${rows}{0: 1p+${x}}→[X2,Y2,I]`;
    };
    const taps = [tap(0, 0, 0), tap(1, 0, 1), tap(2, 1, 0), tap(3, 1, 1), tap(4, 2, 0), tap(5, 2, 1)];
    expect(formula(graph, 'y')).toBe(`(${taps.join(' + ')})[X2,Y2,H]`);
    expect(graph.rules.map(({ dim }) => dim)).toEqual(['X2', 'Y2']);
  });
});

describe('random functions', () => {
  test('they bring the option training, last and off', () => {
    const text = cellOf({
      imports: `import { ${NAMES} } from 'recurve';`,
      options: '{ deep: flag(true) }',
      params: '{}',
      body: 'return { h: dropout(h, 0.5) * sum(x) };',
    });
    expect(parseCellSource('mine.cell.ts', text).options).toMatchObject([
      { name: 'deep' },
      { kind: 'flag', name: 'training', default: false },
    ]);
  });

  test('a helper that nothing calls brings no option', () => {
    const before = 'function noisy(v: number): number { return noise(v, 1); }';
    const text = (body: string) => cellOf({ imports: `import { ${NAMES} } from 'recurve';`, before, params: '{}', body });
    expect(parseCellSource('mine.cell.ts', text('return { h: h + sum(x) };')).options).toEqual([]);
    expect(parseCellSource('mine.cell.ts', text('return { h: noisy(h) + sum(x) };')).options).toHaveLength(1);
  });

  const both = (y: string, params = '{}') => [outputOf(params, y), outputOf(params, y, {}, { training: true })];

  test('dropout scales what it keeps, and is nothing otherwise', () => {
    expect(both('dropout(h, 0.25) * sum(x)')).toEqual([
      'mul(h, sum_0(x))',
      'mul(select(ge(uniform#0/step[H], 0.25), div(h, 0.75), 0), sum_0(x))',
    ]);
    expect(both("dropout(h, p.rate, 'sequence') * sum(x)", '{ rate: scalar({ init: 0.1, trainable: false }) }')[1]).toMatch(
      /^mul\(select\(ge\(uniform#0\/sequence\[H\], .*rate/,
    );
  });

  test('zoneout keeps the previous value, and their mean otherwise', () => {
    expect(both('zoneout(h * 2, h, 0.25) * sum(x)')).toEqual([
      'mul(add(mul(0.25, h), mul(0.75, mul(h, 2))), sum_0(x))',
      'mul(select(lt(uniform#0/step[H], 0.25), h, mul(h, 2)), sum_0(x))',
    ]);
  });

  test('noise is added in training only', () => {
    expect(both('noise(h, 0.5) * sum(x)')).toEqual(['mul(h, sum_0(x))', 'mul(add(h, mul(0.5, normal#0/step[H])), sum_0(x))']);
  });

  test('calls are numbered in the order of evaluation, arguments first, loops unrolled, both sides of a choice', () => {
    const before = 'function twice(v: number): number { return dropout(dropout(v, 0.5), 0.5); }';
    const body = [
      'let y = h;',
      'for (let k = 0; k < 2; k++) y = y + noise(h, 1);',
      'const z = sum(x) > 0 ? noise(y, 1) : twice(y);',
      'return { h: z + matvec(dropConnect(p.U, 0.5), noise(h, 1)) };',
    ].join('\n');
    const text = formula(graphOf({ before, body, params: "{ U: mat('H', 'H') }" }, { training: true }));
    expect(text.match(/#\d|\?\d/g)).toEqual(expect.arrayContaining(['#0', '#1', '#2', '#3', '#4', '?5', '#6']));
    expect(text).toContain('(U?5<0.5·add(h, normal#6/step[H]))');
    // The inner dropout of the helper comes before the outer one.
    expect(text).toMatch(/uniform#4.*uniform#3/s);
  });
});

describe('what the signature says of sizes', () => {
  test('dims that only the step names are among them, axes of fixed size are not', () => {
    const tree = parseCellSource(
      'mine.cell.ts',
      cellOf({
        imports: `import { ${NAMES} } from 'recurve';`,
        options: '{ joined: flag(false) }',
        dims: "['N', 'I', 'H']",
        params: "{ W: mat('H', 3) }",
        inputs: "{ x: vec(3), z: vec('I') }",
        step: "step({ x, z }, { h }, p, { options: o }) { return { h: matvec(p.W, x) + (o.joined ? norm(concat('N', h, z)) : sum(z)) }; },",
      }),
    );
    const plain = resolveSignature(tree, resolveOptions(tree, {}));
    expect([plain.dims, plain.rules]).toEqual([['I', 'H'], []]);
    const joined = resolveSignature(tree, resolveOptions(tree, { joined: true }));
    expect(joined.dims).toEqual(['N', 'I', 'H']);
    expect(completeSizes(joined.rules, { I: 3, H: 5 })).toEqual({ I: 3, H: 5, N: 8 });
  });

  test('sizes are chosen to fit: derived ones computed, others raised to what a rule needs', () => {
    const tree = parseCellSource(
      'mine.cell.ts',
      cellOf({
        imports: `import { ${NAMES} } from 'recurve';`,
        dims: "['X', 'Y', 'I', 'H', 'K']",
        inputs: "{ x: map('X', 'I') }",
        params: "{ K: kernel('H', 'I', 5) }",
        body: "const y = conv1d(p.K, x, { padding: 'valid', to: 'Y' });\nreturn { h: sum(y, 'Y') + h, y, tail: slice(h, 'K', 2) };",
      }),
    );
    const { rules } = resolveSignature(tree, resolveOptions(tree, {}));
    expect(chooseSizes(rules, { X: 1, Y: 9, I: 1, H: 1, K: 1 })).toEqual({ X: 5, Y: 1, I: 1, H: 3, K: 1 });
    expect(chooseSizes(rules, { X: 1, Y: 9, I: 1, H: 1, K: 1 }, { X: 12 })).toMatchObject({ X: 12, Y: 8 });
    expect(() => chooseSizes(rules, { X: 1, Y: 9, I: 1, H: 1, K: 1 }, { X: 3 })).toThrow(/conv1d.*needs Y of/);
    expect(() => chooseSizes(rules, { X: 1, Y: 9, I: 1, H: 1, K: 1 }, { H: 2 })).toThrow(/slice.*at least 3/);
  });
});

describe('the library', () => {
  test('its helpers are helpers of any spec that imports them', () => {
    const spec = (use: string) =>
      cellOf({
        imports: "import { cell, layerNorm, rmsNorm as scaled, scalar, sum, vec } from 'recurve';",
        params: "{ g: vec('H'), b: vec('H') }",
        body: `return { h: ${use} + sum(x) };`,
      });
    const tree = parseCellSource('mine.cell.ts', spec('layerNorm(h, p.g, p.b)'));
    expect(Object.keys(tree.helpers)).toEqual(['recurve:normalization.ts#layerNorm']);
    const graphFor = (text: string) => {
      const parsed = parseCellSource('mine.cell.ts', text);
      return formula(lower(parsed, resolveSignature(parsed, resolveOptions(parsed, {}))));
    };
    const mean = 'div(sum_0(h), #(H))';
    expect(graphFor(spec('layerNorm(h, p.g, p.b)'))).toBe(
      `add(add(mul(div(sub(h, ${mean}), sqrt(add(div(sum_0(square(sub(h, ${mean}))), #(H)), 0.00001))), g), b), sum_0(x))`,
    );
    expect(graphFor(spec('scaled(h, p.g) + p.b'))).toBe(
      'add(add(mul(div(h, sqrt(add(div(sum_0(square(h)), #(H)), 0.00001))), g), b), sum_0(x))',
    );
  });
});

describe('a cell of every operation', () => {
  const tree = parseCell('test/frontend/everything.cell.ts');

  test('is right under every choice of options', () => {
    expect(() => checkSpec(tree)).not.toThrow();
    expect(tree.options.map(({ name }) => name)).toEqual(['depth', 'taps', 'training']);
  });

  test('holds a graph whose shapes agree', () => {
    for (const training of [false, true]) {
      const signature = resolveSignature(tree, resolveOptions(tree, { training }));
      const graph = verify('lowering', lower(tree, signature));
      expect(graph.nodes[graph.outputs.score ?? -1]?.shape).toEqual([]);
      expect(graph.nodes[graph.next.memory ?? -1]?.shape).toEqual(['H', 'I']);
      // A symbol is drawn in training and otherwise.
      expect(graph.nodes.filter(({ op }) => op === 'random')).toHaveLength(training ? 4 : 1);
    }
  });

  test('derives the sizes that its operations make', () => {
    const { rules } = resolveSignature(tree, resolveOptions(tree, {}));
    const sizes = completeSizes(rules, { X: 5, Y: 9, N: 2, I: 3, H: 4, K: 2 });
    expect(sizes).toMatchObject({ G: 8, J: 7, X2: 3, Y2: 4 });
  });
});
