/**
 * What an expression of a model's layers can come to, before options are chosen: literals are followed through `?:`,
 * tables and helpers to the end, and what is not known leaves both sides of a choice open.
 */
import type { Expression, FunctionTree, OptionDeclaration, OptionValue, OptionValues, Span, Statement } from '../tree.js';

/** Every value that it can have, each with a place where that is said; `undefined` where nothing is known of it. */
export type Possible = ReadonlyMap<OptionValue, Span> | undefined;

export interface Sight {
  /** What the expression calls the options. */
  readonly optionsName: string | undefined;
  readonly options: readonly OptionDeclaration[];
  /** Options whose values are chosen; another choice or flag may have any of its values. */
  readonly chosen: OptionValues;
  readonly helpers: Readonly<Record<string, FunctionTree>>;
  /** In a helper: its own names. */
  readonly locals: ReadonlyMap<string, Possible>;
}

/** Most choices of options that are looked at one by one. */
const MOST_CHOICES = 256;

/** The values of those choices and flags that some expressions read; one without any where there are too many. */
export function choicesRead(expressions: readonly (Expression | undefined)[], sight: Sight): readonly OptionValues[] {
  const names = new Set(expressions.flatMap((expression) => [...membersOf(expression, sight.optionsName)]));
  let choices: readonly OptionValues[] = [{}];
  for (const option of sight.options.filter(({ name }) => names.has(name))) {
    const values = valuesOf(option);
    if (values === undefined) continue;
    choices = choices.flatMap((chosen) => values.map((value) => ({ ...chosen, [option.name]: value })));
    if (choices.length > MOST_CHOICES) return [{}];
  }
  return choices;
}

function valuesOf(option: OptionDeclaration | undefined): readonly OptionValue[] | undefined {
  if (option?.kind === 'choice') return option.values;
  return option?.kind === 'flag' ? [false, true] : undefined;
}

function membersOf(part: unknown, of: string | undefined, found = new Set<string>()): Set<string> {
  if (typeof part !== 'object' || part === null) return found;
  const { kind, object, property } = part as { kind?: unknown; object?: Expression; property?: unknown };
  if (kind === 'member' && object?.kind === 'name' && object.name === of) found.add(String(property));
  for (const inner of Object.values(part)) membersOf(inner, of, found);
  return found;
}

export function possible(expression: Expression, sight: Sight): Possible {
  const { span } = expression;
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'boolean':
      return one(expression.value, span);
    case 'name':
      return sight.locals.get(expression.name);
    case 'member':
      return member(expression.object, expression.property, span, sight);
    case 'index':
      return index(expression.object, expression.index, sight);
    case 'conditional': {
      const test = known(possible(expression.test, sight));
      if (test === true) return possible(expression.then, sight);
      if (test === false) return possible(expression.otherwise, sight);
      return union([possible(expression.then, sight), possible(expression.otherwise, sight)]);
    }
    case 'unary': {
      const operand = known(possible(expression.operand, sight));
      if (expression.operator === '!') return typeof operand === 'boolean' ? one(!operand, span) : undefined;
      if (typeof operand !== 'number') return undefined;
      return one(expression.operator === '-' ? -operand : operand, span);
    }
    case 'binary': {
      const value = binary(expression.operator, known(possible(expression.left, sight)), () =>
        known(possible(expression.right, sight)),
      );
      return value === undefined ? undefined : one(value, span);
    }
    case 'helper':
      return helper(sight.helpers[expression.key], expression.args, sight);
    case 'builtin':
    case 'call':
    case 'object':
    case 'array':
      return undefined;
  }
}

function one(value: OptionValue, span: Span): Possible {
  return new Map([[value, span]]);
}

/** The value that it certainly has. */
export function known(values: Possible): OptionValue | undefined {
  return values?.size === 1 ? [...values.keys()][0] : undefined;
}

function union(all: readonly Possible[]): Possible {
  const values = new Map<OptionValue, Span>();
  for (const some of all) {
    if (some === undefined) return undefined;
    for (const [value, span] of some) values.set(value, span);
  }
  return values;
}

function member(object: Expression, property: string, span: Span, sight: Sight): Possible {
  if (object.kind === 'object') {
    const entry = object.entries.find(({ name }) => name === property);
    return entry === undefined ? undefined : possible(entry.value, sight);
  }
  if (object.kind !== 'name' || object.name !== sight.optionsName) return undefined;
  const chosen = Object.hasOwn(sight.chosen, property) ? sight.chosen[property] : undefined;
  if (chosen !== undefined) return one(chosen, span);
  const values = valuesOf(sight.options.find(({ name }) => name === property));
  return values === undefined ? undefined : new Map(values.map((value) => [value, span]));
}

function index(object: Expression, at: Expression, sight: Sight): Possible {
  if (object.kind !== 'object' && object.kind !== 'array') return undefined;
  const position = known(possible(at, sight));
  if (object.kind === 'object') {
    const entries = object.entries.filter(({ name }) => position === undefined || name === String(position));
    return entries.length === 0 ? undefined : union(entries.map(({ value }) => possible(value, sight)));
  }
  const items = object.items.filter((_, place) => position === undefined || place === position);
  return items.length === 0 ? undefined : union(items.map((item) => possible(item, sight)));
}

function binary(
  operator: Extract<Expression, { kind: 'binary' }>['operator'],
  left: OptionValue | undefined,
  rightOf: () => OptionValue | undefined,
): OptionValue | undefined {
  if (operator === '&&' || operator === '||') {
    const right = rightOf();
    const deciding = operator === '||';
    if (left === deciding || right === deciding) return deciding;
    return typeof left === 'boolean' && typeof right === 'boolean' ? !deciding : undefined;
  }
  const right = rightOf();
  if (left === undefined || right === undefined) return undefined;
  if (operator === '===') return left === right;
  if (operator === '!==') return left !== right;
  return typeof left === 'number' && typeof right === 'number' ? ofNumbers(operator, left, right) : undefined;
}

function ofNumbers(operator: string, left: number, right: number): OptionValue | undefined {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '**':
      return left ** right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    default:
      return undefined;
  }
}

function helper(tree: FunctionTree | undefined, args: readonly Expression[], sight: Sight): Possible {
  if (tree === undefined) return undefined;
  const locals = new Map<string, Possible>();
  for (const [position, pattern] of tree.parameters.entries()) {
    const argument = args[position];
    if (pattern.kind === 'name' && argument !== undefined) locals.set(pattern.name, possible(argument, sight));
  }
  return returned(tree.body, { ...sight, optionsName: undefined, locals });
}

/** What statements return; `undefined` also where they do more than to choose. */
function returned(statements: readonly Statement[], sight: Sight): Possible {
  const [first, ...rest] = statements;
  if (first === undefined) return undefined;
  if (first.kind === 'return') return possible(first.value, sight);
  if (first.kind === 'declare' && first.pattern.kind === 'name' && !first.mutable) {
    const locals = new Map([...sight.locals, [first.pattern.name, possible(first.value, sight)]]);
    return returned(rest, { ...sight, locals });
  }
  if (first.kind !== 'if') return undefined;
  const test = known(possible(first.test, sight));
  const sides = test === true ? [first.then] : test === false ? [first.otherwise] : [first.then, first.otherwise];
  return union(sides.map((side) => returned([...side, ...rest], sight)));
}
