/** Runs the statements of a step or helper when compiling: loops are unrolled, static ifs decided, helpers inlined. */

import type { Machine } from '../machine/machine.js';
import { describe, Environment, POISON, type Value } from '../machine/values.js';
import type { FunctionTree, Pattern, Span, Statement } from '../tree.js';
import { evaluate, member, reportNoTest } from './evaluate.js';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** What a function gives, and where it says so. */
export interface Returned {
  readonly value: Value;
  readonly span: Span;
}

const MOST_ROUNDS = 10_000;

/** The value of a function for given arguments, its own names left in `env`; those that are missing are mistakes already reported. */
export function callFunctionTree(
  machine: Machine,
  callee: FunctionTree,
  args: readonly Value[],
  env = new Environment(),
): Returned {
  for (const [position, pattern] of callee.parameters.entries()) bind(machine, pattern, args[position] ?? POISON, env);
  const returned = run(machine, callee.body, env);
  if (returned !== undefined) return returned;
  machine.report('SPEC-NO-RETURN', callee.span, `\`${callee.name}\` ends without a value`, 'End it with `return value;`.');
  return { value: POISON, span: callee.span };
}

export function callHelper(machine: Machine, key: string, args: readonly Value[], at: Span): Value {
  const callee = Object.hasOwn(machine.tree.helpers, key) ? machine.tree.helpers[key] : undefined;
  if (callee === undefined) return POISON;
  return machine.inside(callee, at, () => machine.nested(at, () => callFunctionTree(machine, callee, args).value));
}

export function bind(machine: Machine, pattern: Pattern, value: Value, env: Environment): void {
  if (pattern.kind === 'name') {
    env.declare(pattern.name, value);
    return;
  }
  if (pattern.kind === 'object') {
    // One report for a value that has no members at all, not one per member.
    const whole = value.kind === 'object' || value.kind === 'poison';
    if (!whole) {
      const message = `${describe(value, machine.builder)} cannot be taken apart by \`{ … }\``;
      machine.report('SPEC-UNKNOWN-MEMBER', pattern.span, message, 'Give it one name.');
    }
    for (const { property, name, span } of pattern.members)
      env.declare(name, whole ? member(machine, value, property, span) : POISON);
    return;
  }
  const items = value.kind === 'array' ? value.items : undefined;
  if (value.kind !== 'poison' && (items === undefined || items.length < pattern.names.length)) {
    const what =
      items === undefined
        ? `${describe(value, machine.builder)} is no array`
        : `the array has ${items.length} of ${pattern.names.length} items`;
    machine.report('SPEC-UNKNOWN-MEMBER', pattern.span, what, 'Name as many items as there are.');
  }
  for (const [position, { name }] of pattern.names.entries()) env.declare(name, items?.[position] ?? POISON);
}

function run(machine: Machine, statements: readonly Statement[], env: Environment): Returned | undefined {
  for (const statement of statements) {
    machine.spend(statement.span);
    const returned = runOne(machine, statement, env);
    if (returned !== undefined) return returned;
  }
  return undefined;
}

function runOne(machine: Machine, statement: Statement, env: Environment): Returned | undefined {
  switch (statement.kind) {
    case 'declare':
      bind(machine, statement.pattern, evaluate(machine, statement.value, env), env);
      return undefined;
    case 'assign':
      env.assign(statement.name, evaluate(machine, statement.value, env));
      return undefined;
    case 'if':
      return runIf(machine, statement, env);
    case 'for':
      return runFor(machine, statement, env);
    case 'return':
      return { value: evaluate(machine, statement.value, env), span: statement.value.span };
  }
}

function runIf(machine: Machine, statement: Of<'if'>, env: Environment): Returned | undefined {
  const { test, then, otherwise, span } = statement;
  const value = evaluate(machine, test, env);
  if (value.kind === 'static' && typeof value.value === 'boolean') {
    return machine.nested(span, () => run(machine, value.value ? then : otherwise, new Environment(env)));
  }
  if (value.kind === 'node' && machine.builder.node(value.id).type === 'boolean') {
    const message = 'this `if` depends on values known only when running';
    machine.report('SPEC-DYNAMIC-IF', test.span, message, 'Choose per unit: `const y = test ? a : b;`.');
    run(machine, then, new Environment(env));
    run(machine, otherwise, new Environment(env));
  } else if (value.kind !== 'poison') reportNoTest(machine, value, test.span);
  // Which side is taken is not known, so neither is what follows a return in it.
  return returns(then) || returns(otherwise) ? { value: POISON, span } : undefined;
}

function returns(statements: readonly Statement[]): boolean {
  return statements.some(
    (statement) =>
      statement.kind === 'return' ||
      (statement.kind === 'if' && (returns(statement.then) || returns(statement.otherwise))) ||
      (statement.kind === 'for' && returns(statement.body)),
  );
}

function runFor(machine: Machine, statement: Of<'for'>, env: Environment): Returned | undefined {
  const bounds = [statement.from, statement.to, statement.step].map((bound) => {
    const value = evaluate(machine, bound, env);
    if (value.kind === 'static' && typeof value.value === 'number') return value.value;
    if (value.kind === 'poison') return undefined;
    const message = `this bound of a \`for\` is ${describe(value, machine.builder)}, not a number known when compiling`;
    machine.report('SPEC-DYNAMIC-FOR', bound.span, message, 'Use a constant or an `integer` option.');
    return undefined;
  });
  const [from, to, step] = bounds;
  if (from === undefined || to === undefined || step === undefined)
    return returns(statement.body) ? { value: POISON, span: statement.span } : undefined;
  let rounds = 0;
  for (let counter = from; holds(counter, statement.comparison, to); counter += step) {
    rounds += 1;
    if (rounds > MOST_ROUNDS) {
      const message =
        step === 0 || step > 0 !== to > from ? 'this `for` never ends' : `this \`for\` takes more than ${MOST_ROUNDS} rounds`;
      machine.report(
        'SPEC-LOOP-LENGTH',
        statement.span,
        message,
        'Check the comparison and the step, or shorten it: every round is unrolled.',
      );
      return undefined;
    }
    // A round costs something even where its body does nothing.
    machine.spend(statement.span);
    const round = new Environment(env);
    round.declare(statement.name, { kind: 'static', value: counter });
    const returned = machine.nested(statement.span, () => run(machine, statement.body, round));
    if (returned !== undefined) return returned;
  }
  return undefined;
}

function holds(counter: number, comparison: Of<'for'>['comparison'], to: number): boolean {
  switch (comparison) {
    case '<':
      return counter < to;
    case '<=':
      return counter <= to;
    case '>':
      return counter > to;
    case '>=':
      return counter >= to;
  }
}
