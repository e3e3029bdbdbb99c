/** Cell trees written by hand, so that these tests need no frontend. */
import type {
  BinaryOperator,
  CellTree,
  Declaration,
  Expression,
  FunctionTree,
  OptionValues,
  Pattern,
  Signature,
  Statement,
  TensorDeclaration,
} from '../../codegen/frontend/tree.js';

export const span = { file: 'test.cell.ts', line: 1, column: 1, length: 1 };

export const num = (value: number): Expression => ({ kind: 'number', value, span });
export const str = (value: string): Expression => ({ kind: 'string', value, span });
export const name = (text: string): Expression => ({ kind: 'name', name: text, span });
export const member = (object: Expression, property: string): Expression => ({ kind: 'member', object, property, span });
export const at = (object: Expression, index: Expression): Expression => ({ kind: 'index', object, index, span });
export const call = (builtin: string, ...args: Expression[]): Expression => ({ kind: 'builtin', name: builtin, args, span });
export const help = (key: string, ...args: Expression[]): Expression => ({ kind: 'helper', key, args, span });
/** Entry k of a stack or kernel. */
export const entry = (stack: Expression, k: number): Expression => at(stack, num(k));
export const minus = (operand: Expression): Expression => ({ kind: 'unary', operator: '-', operand, span });
export const not = (operand: Expression): Expression => ({ kind: 'unary', operator: '!', operand, span });
export const list = (...items: Expression[]): Expression => ({ kind: 'array', items, span });
export const bin = (operator: BinaryOperator, left: Expression, ...rest: Expression[]): Expression =>
  rest.reduce<Expression>((sum, right) => ({ kind: 'binary', operator, left: sum, right, span }), left);
export const add = (left: Expression, ...rest: Expression[]) => bin('+', left, ...rest);
export const mul = (left: Expression, ...rest: Expression[]) => bin('*', left, ...rest);
export const pick = (test: Expression, then: Expression, otherwise: Expression): Expression => ({
  kind: 'conditional',
  test,
  then,
  otherwise,
  span,
});
export const record = (entries: Readonly<Record<string, Expression>>): Expression => ({
  kind: 'object',
  entries: Object.entries(entries).map(([key, value]) => ({ name: key, value, span })),
  span,
});

export const bound = (text: string): Pattern => ({ kind: 'name', name: text, span });
export const members = (...properties: string[]): Pattern => ({
  kind: 'object',
  members: properties.map((property) => ({ property, name: property, span })),
  span,
});
export const declare = (pattern: Pattern | string, value: Expression, mutable = false): Statement => ({
  kind: 'declare',
  mutable,
  pattern: typeof pattern === 'string' ? bound(pattern) : pattern,
  value,
  span,
});
export const assign = (target: string, value: Expression): Statement => ({ kind: 'assign', name: target, value, span });
export const when = (test: Expression, then: Statement[], otherwise: Statement[] = []): Statement => ({
  kind: 'if',
  test,
  then,
  otherwise,
  span,
});
export const loop = (
  counter: string,
  from: number,
  comparison: '<' | '>=',
  to: number,
  step: number,
  body: Statement[],
): Statement => ({
  kind: 'for',
  name: counter,
  from: num(from),
  comparison,
  to: num(to),
  step: num(step),
  body,
  span,
});
export const give = (value: Expression): Statement => ({ kind: 'return', value, span });
export const fn = (parameters: Pattern[], body: Statement[]): FunctionTree => ({ name: 'f', parameters, body, span });

type Shapes = Readonly<Record<string, readonly string[]>>;
export interface CellParts {
  readonly inputs?: Shapes;
  readonly state?: Shapes;
  readonly params?: Shapes;
  /** Parameters that are not trained, and their `init`. */
  readonly untrained?: Readonly<Record<string, TensorDeclaration['init']>>;
  readonly outputs?: readonly string[];
  readonly options?: OptionValues;
  readonly helpers?: Readonly<Record<string, FunctionTree>>;
  /** Body of `step(x, s, p, { options: o, t })`; the namespaces are called x, s, p and o. */
  readonly body: readonly Statement[];
}

/** A tree and its signature from shapes and statements. */
export function buildCell(parts: CellParts): { tree: CellTree; signature: Signature } {
  const declared = (shapes: Shapes = {}): TensorDeclaration[] =>
    Object.entries(shapes).map(([key, shape]) => ({
      name: key,
      shape,
      init: parts.untrained?.[key],
      trainable: !Object.hasOwn(parts.untrained ?? {}, key),
      span,
    }));
  const group = (shapes: Shapes = {}) => ({
    optionsName: undefined,
    entries: Object.entries(shapes).map(
      ([key, shape]): Declaration => ({
        name: key,
        constructor_: (['scalar', 'vec', 'mat'] as const)[shape.length] ?? 'map',
        shape: shape.map(str),
        init: undefined,
        range: undefined,
        trainable: undefined,
        when: undefined,
        span,
      }),
    ),
    span,
  });
  const used = [parts.inputs, parts.state, parts.params].flatMap((shapes) => Object.values(shapes ?? {}).flat());
  const dims = [...new Set(used)].filter((dim) => !/^\d+$/.test(dim));
  const context: Pattern = {
    kind: 'object',
    members: [
      { property: 'options', name: 'o', span },
      { property: 't', name: 't', span },
    ],
    span,
  };
  const signature: Signature = {
    name: 'test',
    options: parts.options ?? {},
    dims,
    rules: [],
    rates: [],
    inputs: declared(parts.inputs),
    state: declared(parts.state),
    params: declared(parts.params),
    outputs: parts.outputs,
  };
  const tree: CellTree = {
    kind: 'cell',
    file: span.file,
    name: 'test',
    summary: '',
    documentation: '',
    dims: dims.map((dim) => ({ name: dim, span })),
    options: [],
    inputs: group(parts.inputs),
    state: group(parts.state),
    params: group(parts.params),
    outputs: parts.outputs?.map((output) => ({ name: output, span })),
    step: fn([bound('x'), bound('s'), bound('p'), context], [...parts.body]),
    helpers: parts.helpers ?? {},
    sources: {},
    span,
  };
  return { tree, signature };
}

export const x = (key: string) => member(name('x'), key);
export const s = (key: string) => member(name('s'), key);
export const p = (key: string) => member(name('p'), key);
export const o = (key: string) => member(name('o'), key);
