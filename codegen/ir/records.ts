/** How the records of the vocabulary are put together. */
import type { NodeId } from './graph.js';
import type { OpRecord, RuleBuilder, WgslFunction } from './ops.js';

export const at = (args: readonly NodeId[], index: number): NodeId => {
  const id = args[index];
  if (id === undefined) throw new Error(`adjoint rule reads argument ${index} of ${args.length}`);
  return id;
};

type Unary = Omit<OpRecord, 'arity' | 'result' | 'adjoint' | 'fold' | 'wgsl' | 'calls'> & {
  calls?: readonly WgslFunction[];
  fold: (x: number) => number;
  wgsl: (x: string) => string;
  /** Cotangent of x. */
  adjoint: (g: RuleBuilder, x: NodeId, out: NodeId, cot: NodeId) => NodeId;
};

/** A function of one argument. */
export function unary(record: Unary): OpRecord {
  return {
    arity: 1,
    result: 'number',
    calls: record.calls ?? [],
    flops: record.flops,
    ...(record.gates ? { gates: record.gates } : {}),
    fold: (x = Number.NaN) => record.fold(x),
    wgsl: (x = '') => record.wgsl(x),
    adjoint: (g, args, out, cot) => [record.adjoint(g, at(args, 0), out, cot)],
  };
}

/**
 * The slope of a function of one argument, as an op of its own. Only adjoints hold slopes, and no adjoint is differentiated.
 */
export function slope(record: Omit<Unary, 'adjoint'>): OpRecord {
  return unary({
    ...record,
    adjoint: () => {
      throw new Error('the slope of a function is not differentiated: there are no second derivatives');
    },
  });
}

/** A comparison: no cotangent passes. */
export function comparison(operator: string, fold: (a: number, b: number) => boolean): OpRecord {
  return {
    arity: 2,
    result: 'boolean',
    calls: [],
    flops: 1,
    fold: (a = Number.NaN, b = Number.NaN) => (fold(a, b) ? 1 : 0),
    wgsl: (a, b) => `(${a} ${operator} ${b})`,
    adjoint: () => [undefined, undefined],
  };
}

/** Passes `cot` where `condition` holds and zero elsewhere; a product with 0 would turn infinity into NaN. */
export const where = (g: RuleBuilder, condition: NodeId, cot: NodeId, flat = g.constant(0)) =>
  g.apply('select', condition, cot, flat);
export const elsewhere = (g: RuleBuilder, condition: NodeId, cot: NodeId) => g.apply('select', condition, g.constant(0), cot);

export const nanOr = (value: number, ...args: number[]) => (args.some(Number.isNaN) ? Number.NaN : value);
