import { describe, expect, it } from 'vitest';
import type { OptionValues, Statement } from '../../codegen/frontend/tree.js';
import { runReference } from '../../runtime/reference/index.js';
import {
  add,
  assign,
  at,
  bin,
  bound,
  buildCell,
  call,
  declare,
  fn,
  give,
  help,
  list,
  loop,
  member,
  members,
  minus,
  mul,
  name,
  not,
  num,
  o,
  p,
  pick,
  record,
  s,
  str,
  when,
  x,
} from './build.js';

const sizes = { T: 1, B: 1, H: 2 };
const data = {
  inputs: { x: { shape: [1, 1, 2], data: Float64Array.of(3, -4) } },
  state: { h: { shape: [1, 2], data: Float64Array.of(10, 20) } },
  params: { a: { shape: [], data: Float64Array.of(0.5) }, b: { shape: [2], data: Float64Array.of(1, 2) } },
  reverse: false,
  cotangents: { outputs: { h: { shape: [1, 1, 2], data: Float64Array.of(1, 1) } }, state: {} },
};

/** What a body makes of x = [3, −4], h = [10, 20], a = 0.5, b = [1, 2], and ∂(h₀ + h₁)/∂x. */
function run(body: Statement[], options: OptionValues = {}, helpers = {}) {
  const shapes = { inputs: { x: ['H'] }, state: { h: ['H'] }, params: { a: [], b: ['H'] } };
  const { tree, signature } = buildCell({ ...shapes, options, helpers, body });
  const result = runReference(tree, signature, sizes, data);
  return { h: [...(result.outputs.h?.data ?? [])], dx: [...(result.gradients?.inputs.x?.data ?? [])], result };
}

describe('the interpreter', () => {
  it('broadcasts scalars and vector parameters', () => {
    const { h, dx, result } = run([give(record({ h: add(mul(p('a'), x('x')), p('b'), s('h'), num(1)) }))]);
    expect(h).toEqual([13.5, 21]);
    expect(dx).toEqual([0.5, 0.5]);
    expect([...(result.gradients?.params.a?.data ?? [])]).toEqual([-1]);
    expect([...(result.gradients?.params.b?.data ?? [])]).toEqual([1, 1]);
    expect([...(result.gradients?.state.h?.data ?? [])]).toEqual([1, 1]);
  });

  it('binds objects, renamed members and arrays, and follows let and assignment', () => {
    const renamed = {
      kind: 'object',
      members: [{ property: 'x', name: 'input', span: x('x').span }],
      span: x('x').span,
    } as const;
    const pair = {
      kind: 'array',
      names: ['u', 'v'].map((text) => ({ name: text, span: x('x').span })),
      span: x('x').span,
    } as const;
    const { h } = run([
      declare(renamed, name('x')),
      declare(members('h'), name('s')),
      declare(pair, list(name('input'), name('h'))),
      declare('sum', name('u'), true),
      assign('sum', bin('-', name('v'), name('sum'))),
      give(record({ h: minus(name('sum')) })),
    ]);
    expect(h).toEqual([-7, -24]);
  });

  it('takes one branch of a static test and leaves the other unevaluated', () => {
    const absent = p('not_there');
    const gated = bin('&&', not(o('flag')), absent);
    const chosen = pick(bin('===', o('kind'), str('twice')), mul(x('x'), num(2)), absent);
    const { h } = run([give(record({ h: pick(gated, absent, chosen) }))], { flag: true, kind: 'twice' });
    expect(h).toEqual([6, -8]);
  });

  it('leaves parameters unbound that these options leave out', () => {
    const { h } = run([declare(members('b', 'not_there'), name('p')), give(record({ h: name('b') }))]);
    expect(h).toEqual([1, 2]);
  });

  it('returns early from a static if', () => {
    const body = [when(o('early'), [give(record({ h: x('x') }))]), give(record({ h: s('h') }))];
    expect(run(body, { early: true }).h).toEqual([3, -4]);
    expect(run(body, { early: false }).h).toEqual([10, 20]);
  });

  it('unrolls loops up and down, with the counter as a number', () => {
    const up = run([
      declare('y', x('x'), true),
      loop('i', 1, '<', 4, 1, [assign('y', add(name('y'), name('i')))]),
      give(record({ h: name('y') })),
    ]);
    expect(up.h).toEqual([9, 2]);
    const down = run([
      declare('weights', list(num(1), num(10), num(100))),
      declare('y', num(0), true),
      loop('i', 2, '>=', 1, -1, [assign('y', add(name('y'), mul(at(name('weights'), name('i')), x('x'))))]),
      give(record({ h: name('y') })),
    ]);
    expect(down.h).toEqual([330, -440]);
    expect(down.dx).toEqual([110, 110]);
  });

  it('calls helpers with values, namespaces and static arguments, each in its own scope', () => {
    const helpers = {
      scaled: fn(
        [members('x'), bound('factor')],
        [when(bin('>', name('factor'), num(1)), [give(mul(name('x'), name('factor')))]), give(name('x'))],
      ),
    };
    const { h } = run(
      [give(record({ h: add(help('scaled', name('x'), num(2)), help('scaled', name('x'), num(1))) }))],
      {},
      helpers,
    );
    expect(h).toEqual([9, -12]);
  });

  it('keeps functions of static numbers static', () => {
    const { h } = run([
      when(bin('<', call('exp', num(0)), num(2)), [give(record({ h: mul(x('x'), call('max', num(2), num(3))) }))]),
      give(record({ h: s('h') })),
    ]);
    expect(h).toEqual([9, -12]);
  });

  it('selects per unit on a dynamic test and keeps the other branch out of the gradient', () => {
    const { h, dx } = run([give(record({ h: pick(bin('>', x('x'), num(0)), mul(x('x'), x('x')), minus(x('x'))) }))]);
    expect(h).toEqual([9, 4]);
    expect(dx).toEqual([6, -1]);
    const tested = run([
      declare('positive', bin('>', x('x'), num(0))),
      declare('small', not(bin('>=', x('x'), num(5)))),
      give(record({ h: pick(bin('&&', name('positive'), name('small')), num(1), num(0)) })),
    ]);
    expect(tested.h).toEqual([1, 0]);
    expect(tested.dx).toEqual([0, 0]);
  });

  it('lets a static side of a test per unit decide, so that a branch may hang on it', () => {
    const positive = bin('>', x('x'), num(0));
    const off = [when(bin('&&', positive, o('flag')), [give(record({ h: s('h') }))]), give(record({ h: x('x') }))];
    expect(run(off, { flag: false }).h).toEqual([3, -4]);
    const on = [when(bin('||', positive, o('flag')), [give(record({ h: s('h') }))]), give(record({ h: x('x') }))];
    expect(run(on, { flag: true }).h).toEqual([10, 20]);
    const chosen = pick(bin('||', bin('&&', positive, o('flag')), not(o('flag'))), num(1), num(0));
    expect(run([give(record({ h: chosen }))], { flag: true }).h).toEqual([1, 0]);
  });

  it('adds up the cotangents of a value that is used twice', () => {
    const { dx } = run([declare('y', mul(x('x'), x('x'))), give(record({ h: add(mul(name('y'), x('x')), name('y')) }))]);
    expect(dx).toEqual([3 * 9 + 6, 3 * 16 - 8]);
  });

  it('uses the default slope and alpha where none is given', () => {
    const leaky = run([give(record({ h: call('leakyRelu', x('x')) }))]);
    expect(leaky.h).toEqual([3, -4 * Math.fround(0.01)]);
    const given = run([give(record({ h: call('leakyRelu', x('x'), num(0.25)) }))]);
    expect(given.h).toEqual([3, -1]);
    const elu = run([give(record({ h: call('elu', x('x')) }))]);
    expect(elu.h[1]).toBeCloseTo(Math.exp(-4) - 1, 15);
  });

  it('calls a defect by what it found', () => {
    expect(() => run([give(record({ h: name('nobody') }))])).toThrow('nobody is not declared');
    expect(() => run([give(record({ h: member(name('p'), 'q') }))])).toThrow('no member q');
    expect(() => run([give(record({ h: call('cosh', x('x')) }))])).toThrow('no function cosh');
    expect(() => run([when(bin('>', x('x'), num(0)), [])])).toThrow('not static');
  });
});
