/** Evaluates the expressions of a step: what is static is computed, the rest becomes nodes of the graph. */
import type { NodeId } from '../../ir/graph.js';
import { didYouMean, listNames } from '../../suggest.js';
import { libraryName } from '../language/library.js';
import { isStructural } from '../language/vocabulary.js';
import type { Machine } from '../machine/machine.js';
import type { Operand } from '../machine/operand.js';
import { foldBinary } from '../machine/static.js';
import { describe, type Environment, POISON, type Value } from '../machine/values.js';
import { arithmetic, callFunction, divisionByZero, logic, select } from '../operations/arithmetic.js';
import { reportedLossArguments } from '../operations/loss-arguments.js';
import { hasMatrices, takeMatrix } from '../operations/matrices.js';
import { OPERATIONS } from '../operations/operations.js';
import type { Expression, Span } from '../tree.js';

type Of<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

export function evaluate(machine: Machine, expression: Expression, env: Environment): Value {
  if (machine.recovery.isPoison(expression)) return POISON;
  machine.spend(expression.span);
  return machine.nested(expression.span, () => dispatch(machine, expression, env));
}

function dispatch(machine: Machine, expression: Expression, env: Environment): Value {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'boolean':
      return { kind: 'static', value: expression.value };
    case 'name':
      // Names were resolved while parsing; one that is not here belongs to a declaration that failed.
      return env.read(expression.name) ?? POISON;
    case 'member':
      return member(machine, evaluate(machine, expression.object, env), expression.property, expression.span);
    case 'index':
      return index(machine, expression, env);
    case 'unary':
      return unary(machine, expression, env);
    case 'binary':
      return binary(machine, expression, env);
    case 'conditional':
      return conditional(machine, expression, env);
    case 'builtin': {
      const given = expression.args.map((arg) => ({ value: evaluate(machine, arg, env), span: arg.span }));
      const overTime = machine.sequences?.overTime(expression.name, given, expression.span);
      if (overTime !== undefined) return overTime;
      const args = meet(machine, given, expression.span);
      if (args === undefined) return POISON;
      return isStructural(expression.name)
        ? OPERATIONS[expression.name](machine, args, expression.span)
        : callFunction(machine, expression.name, args, expression.span);
    }
    case 'helper': {
      const args = expression.args.map((arg) => ({ value: evaluate(machine, arg, env), span: arg.span }));
      const library = libraryName(expression.key);
      if (library !== undefined && reportedLossArguments(machine, library, args)) return POISON;
      return machine.call(
        expression.key,
        args.map(({ value }) => value),
        expression.span,
      );
    }
    case 'call': {
      if (machine.sequences === undefined) throw new Error('a cell calls no layers');
      const callee = { value: evaluate(machine, expression.callee, env), span: expression.callee.span };
      const args = expression.args.map((arg) => ({ value: evaluate(machine, arg, env), span: arg.span }));
      return machine.sequences.call(callee, args, expression.span);
    }
    case 'object': {
      const members = new Map(expression.entries.map(({ name, value }) => [name, evaluate(machine, value, env)]));
      const places = new Map(expression.entries.map(({ name, span }) => [name, span]));
      return { kind: 'object', title: 'member', members, open: false, places };
    }
    case 'array':
      return { kind: 'array', items: expression.items.map((item) => evaluate(machine, item, env)) };
  }
}

/** Values as one operation can have them: in a model some are sequences. */
function meet(machine: Machine, operands: readonly Operand[], at: Span): readonly Operand[] | undefined {
  return machine.sequences === undefined ? operands : machine.sequences.meet(operands, at);
}

/** What a transposed matrix is called elsewhere. */
const TRANSPOSED: readonly string[] = ['T', 'mT'];

export function member(machine: Machine, object: Value, name: string, at: Span): Value {
  if (object.kind === 'poison') return POISON;
  if (object.kind !== 'object') {
    if (TRANSPOSED.includes(name) && object.kind !== 'array') {
      const what = describe(object, machine.builder);
      const fix = 'Write `matvec(transpose(p.W), x)`; a vector is neither a row nor a column and needs none.';
      machine.report('SPEC-TRANSPOSE', at, `${what} has no member \`${name}\`, and matrices are transposed by a function`, fix);
      return POISON;
    }
    const fix =
      object.kind === 'array'
        ? 'Take an item: `a[0]`. Loop bounds are constants.'
        : 'Use it as a number; every operation is per unit.';
    machine.report('SPEC-UNKNOWN-MEMBER', at, `${describe(object, machine.builder)} has no member \`${name}\``, fix);
    return POISON;
  }
  const found = object.members.get(name);
  if (found !== undefined) return found;
  if (object.open) return POISON;
  const code = object.title === 'option' ? 'SPEC-UNKNOWN-OPTION' : 'SPEC-UNKNOWN-MEMBER';
  const known = object.members.size === 0 ? 'There are none; declare it first.' : `Known: ${listNames(object.members.keys())}.`;
  machine.report(code, at, `there is no ${object.title} \`${name}\``, didYouMean(name, object.members.keys(), known));
  return POISON;
}

function index(machine: Machine, expression: Of<'index'>, env: Environment): Value {
  const object = evaluate(machine, expression.object, env);
  const position = evaluate(machine, expression.index, env);
  if (object.kind === 'poison' || position.kind === 'poison') return POISON;
  const at = expression.span;
  if (hasMatrices(object)) {
    const operand = { value: object, span: expression.object.span };
    return takeMatrix(machine, operand, { value: position, span: expression.index.span });
  }
  if (object.kind !== 'array' && object.kind !== 'object') {
    const message = `${describe(object, machine.builder)} has no items: units are not taken one by one`;
    machine.report('SPEC-UNKNOWN-MEMBER', at, message, 'Write the formula for a whole vector; it is computed per unit.');
    return POISON;
  }
  if (position.kind !== 'static') {
    machine.report(
      'SPEC-NOT-STATIC',
      expression.index.span,
      'an index must be known when compiling',
      'Use a constant or the counter of a `for`.',
    );
    return POISON;
  }
  if (object.kind === 'object') return member(machine, object, String(position.value), at);
  const item = typeof position.value === 'number' ? object.items[position.value] : undefined;
  if (item !== undefined) return item;
  const message = `the array has ${object.items.length} items and none at ${position.value}`;
  machine.report('SPEC-UNKNOWN-MEMBER', at, message, `Write an index from 0 to ${object.items.length - 1}.`);
  return POISON;
}

function unary(machine: Machine, { operator, operand, span }: Of<'unary'>, env: Environment): Value {
  const [met] = meet(machine, [{ value: evaluate(machine, operand, env), span: operand.span }], span) ?? [];
  const value = met?.value ?? POISON;
  if (value.kind === 'poison') return POISON;
  if (operator === '!') {
    const test = asTest(machine, value, operand.span);
    if (test === undefined) return POISON;
    return test.kind === 'static'
      ? { kind: 'static', value: !test.value }
      : { kind: 'node', id: machine.builder.apply('not', [test.id], span) };
  }
  if (value.kind === 'static' && typeof value.value === 'number') {
    return { kind: 'static', value: operator === '-' ? -value.value : value.value };
  }
  const id = machine.number(value, operand.span);
  if (id === undefined) return POISON;
  return { kind: 'node', id: operator === '-' ? machine.builder.apply('neg', [id], span) : id };
}

function binary(machine: Machine, expression: Of<'binary'>, env: Environment): Value {
  const { operator, span } = expression;
  if (operator === '&&' || operator === '||') return junction(machine, expression, operator, env);
  const left = evaluate(machine, expression.left, env);
  const right = evaluate(machine, expression.right, env);
  if ((operator === '/' || operator === '%') && right.kind === 'static' && right.value === 0)
    return divisionByZero(machine, expression.right.span);
  if (left.kind === 'static' && right.kind === 'static') {
    if (operator === '===' || operator === '!==') checkChoice(machine, expression, left, right);
    const value = foldBinary(operator, left.value, right.value);
    if (value !== undefined) return finite(machine, value, span);
  }
  const [a, b] =
    meet(
      machine,
      [
        { value: left, span: expression.left.span },
        { value: right, span: expression.right.span },
      ],
      span,
    ) ?? [];
  return a === undefined || b === undefined ? POISON : arithmetic(machine, operator, [a, b], span);
}

/** `a && b`, `a || b`: what is known when compiling decides or drops out, as in JavaScript. */
function junction(machine: Machine, expression: Of<'binary'>, operator: '&&' | '||', env: Environment): Value {
  const deciding = operator === '||';
  const left = asTest(machine, evaluate(machine, expression.left, env), expression.left.span);
  if (left?.kind === 'static' && left.value === deciding) return left;
  const right = asTest(machine, evaluate(machine, expression.right, env), expression.right.span);
  if (left === undefined || right === undefined) return POISON;
  if (left.kind === 'static') return right;
  if (right.kind === 'static') return right.value === deciding ? right : left;
  const [a, b] =
    meet(
      machine,
      [
        { value: left, span: expression.left.span },
        { value: right, span: expression.right.span },
      ],
      expression.span,
    ) ?? [];
  if (a?.value.kind !== 'node' || b?.value.kind !== 'node') return POISON;
  return logic(machine, operator, [a.value.id, b.value.id], expression.span);
}

function finite(machine: Machine, value: string | number | boolean, at: Span): Value {
  if (typeof value !== 'number' || Number.isFinite(value)) return { kind: 'static', value };
  machine.report('SPEC-NONFINITE', at, `this is ${value}`, 'Write an expression with a finite value.');
  return POISON;
}

/** `o.reset === 'befor'` holds for no value of the option, so it is a slip. */
function checkChoice(
  machine: Machine,
  { left, right, span }: Of<'binary'>,
  a: Extract<Value, { kind: 'static' }>,
  b: Extract<Value, { kind: 'static' }>,
): void {
  if (typeof a.value !== typeof b.value) {
    const message = `${describe(a, machine.builder)} is never equal to ${describe(b, machine.builder)}`;
    machine.report('SPEC-CHOICE-VALUE', span, message, 'Compare values of one kind.');
    return;
  }
  const choices = left.kind === 'member' ? a.choices : right.kind === 'member' ? b.choices : undefined;
  const literal = right.kind === 'string' ? right : left.kind === 'string' ? left : undefined;
  if (choices === undefined || literal === undefined || choices.includes(literal.value)) return;
  const fix = didYouMean(literal.value, choices, `It is one of ${listNames(choices)}.`);
  machine.report('SPEC-CHOICE-VALUE', literal.span, `the option never has the value '${literal.value}'`, fix);
}

type Test = { readonly kind: 'static'; readonly value: boolean } | { readonly kind: 'node'; readonly id: NodeId };

/** The value as a test, known when compiling or per unit; reports when it is none and gives `undefined`. */
function asTest(machine: Machine, value: Value, at: Span): Test | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind === 'static' && typeof value.value === 'boolean') return { kind: 'static', value: value.value };
  if (value.kind === 'node' && machine.builder.node(value.id).type === 'boolean') return value;
  reportNoTest(machine, value, at);
  return undefined;
}

export function reportNoTest(machine: Machine, value: Value, at: Span): void {
  const message = `a test is true or false, and this is ${describe(value, machine.builder)}`;
  machine.report('SPEC-TEST', at, message, 'Compare it: `x > 0`, or `o.option === …`.');
}

function conditional(machine: Machine, { test, then, otherwise, span }: Of<'conditional'>, env: Environment): Value {
  const value = asTest(machine, evaluate(machine, test, env), test.span);
  if (value === undefined) return POISON;
  if (value.kind === 'static') return evaluate(machine, value.value ? then : otherwise, env);
  const [met, a, b] =
    meet(
      machine,
      [
        { value, span: test.span },
        { value: evaluate(machine, then, env), span: then.span },
        { value: evaluate(machine, otherwise, env), span: otherwise.span },
      ],
      span,
    ) ?? [];
  if (met?.value.kind !== 'node' || a === undefined || b === undefined) return POISON;
  return select(machine, met.value.id, [a, b], span);
}
