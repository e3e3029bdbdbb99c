/**
 * Runs a cell's step or a model's run, statement by statement, on float64 values. What is static (options, numbers, tests on
 * them) is an ordinary JavaScript value. The tree was checked before, so whatever cannot occur in a checked
 * tree throws a plain Error: a defect of ours.
 */
import type { CellTree, Expression, FunctionTree, Pattern, Span, Statement } from '../../codegen/frontend/tree.js';
import type { StepContext } from './context.js';
import { entryOf } from './matrix.js';
import { describe, isArray, isLayer, isNamespace, isStatic, namespace, type Operand, toValue } from './operand.js';
import { functions, isFunction, negate, not, type Operation, operators, select } from './operations.js';
import { staticBinary } from './static.js';
import { isStructural, structural } from './structural.js';
import { Value } from './tape.js';
import { pointwise } from './tensor.js';

export interface StepResult {
  /** What `step` returns, by name. */
  readonly returned: ReadonlyMap<string, Operand>;
  /** What it gives names to at its own level. */
  readonly named: ReadonlyMap<string, Operand>;
}

/** Runs `step(inputs, state, params, { options, t })` once. */
export function runStep(tree: CellTree, context: StepContext, args: readonly Operand[]): StepResult {
  const scope = new Scope();
  const apply: Host['apply'] = (made, operands, place) => {
    context.tape.place = place;
    return made(context, operands);
  };
  const result = new Interpreter(tree.helpers, { apply, own: () => undefined }).call(tree.step, args, scope);
  if (!isNamespace(result)) throw new Error('step returned no object');
  return { returned: result.members, named: scope.names };
}

/** Names in one block, inside the block around it. */
class Scope {
  readonly names = new Map<string, Operand>();
  constructor(private readonly outer?: Scope) {}

  declare(name: string, value: Operand): void {
    this.names.set(name, value);
  }

  assign(name: string, value: Operand): void {
    if (this.names.has(name)) this.names.set(name, value);
    else if (this.outer) this.outer.assign(name, value);
    else throw new Error(`${name} is not declared`);
  }

  read(name: string): Operand {
    const value = this.names.get(name) ?? this.outer?.read(name);
    if (value === undefined) throw new Error(`${name} is not declared`);
    return value;
  }
}

/** What an operation makes of its operands. */
export type Made = (context: StepContext, operands: readonly Operand[]) => Operand;

/** Where a function is interpreted: in a step, whose operands have the rows they need, or along the time of a model. */
export interface Host {
  /** Applies an operation that stands at `place` in the spec. */
  apply(made: Made, operands: readonly Operand[], place: Span): Operand;
  /** A function that only this host has, or that means something else in it; `undefined` where it is none. */
  own(name: string, operands: readonly Operand[], place: Span): Operand | undefined;
}

export class Interpreter {
  constructor(
    private readonly helpers: CellTree['helpers'],
    private readonly host: Host,
  ) {}

  call(target: FunctionTree, args: readonly Operand[], scope = new Scope()): Operand {
    target.parameters.forEach((pattern, position) => {
      bind(scope, pattern, args[position]);
    });
    const result = this.runAll(target.body, scope);
    if (result === undefined) throw new Error(`${target.name} returned nothing`);
    return result;
  }

  /** The returned value, or undefined when control falls through. */
  private runAll(statements: readonly Statement[], scope: Scope): Operand | undefined {
    for (const statement of statements) {
      const result = this.run(statement, scope);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  private run(statement: Statement, scope: Scope): Operand | undefined {
    switch (statement.kind) {
      case 'declare':
        bind(scope, statement.pattern, this.evaluate(statement.value, scope));
        return undefined;
      case 'assign':
        scope.assign(statement.name, this.evaluate(statement.value, scope));
        return undefined;
      case 'if': {
        const taken = this.test(statement.test, scope) ? statement.then : statement.otherwise;
        return this.runAll(taken, new Scope(scope));
      }
      case 'for':
        return this.repeat(statement, scope);
      case 'return':
        return this.evaluate(statement.value, scope);
    }
  }

  private repeat(loop: Extract<Statement, { kind: 'for' }>, scope: Scope): Operand | undefined {
    const step = this.staticNumber(loop.step, scope);
    const to = this.staticNumber(loop.to, scope);
    for (let i = this.staticNumber(loop.from, scope); staticBinary(loop.comparison, i, to) === true; i += step) {
      const inner = new Scope(scope);
      inner.declare(loop.name, i);
      const result = this.runAll(loop.body, inner);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  private evaluate(expression: Expression, scope: Scope): Operand {
    switch (expression.kind) {
      case 'number':
      case 'string':
      case 'boolean':
        return expression.value;
      case 'name':
        return scope.read(expression.name);
      case 'member':
        return member(this.evaluate(expression.object, scope), expression.property);
      case 'index':
        return this.at(expression, scope);
      case 'unary':
        return this.unary(expression, scope);
      case 'binary':
        return this.binary(expression, scope);
      case 'conditional': {
        const test = this.evaluate(expression.test, scope);
        if (!(test instanceof Value)) return this.evaluate(test ? expression.then : expression.otherwise, scope);
        const then = this.evaluate(expression.then, scope);
        return this.perUnit(select, [test, then, this.evaluate(expression.otherwise, scope)], expression);
      }
      case 'builtin':
        return this.builtin(expression, scope);
      case 'helper': {
        const helper = this.helpers[expression.key];
        if (helper === undefined) throw new Error(`there is no helper ${expression.key}`);
        return this.call(
          helper,
          expression.args.map((arg) => this.evaluate(arg, scope)),
        );
      }
      case 'call': {
        const callee = this.evaluate(expression.callee, scope);
        if (!isLayer(callee)) throw new Error(`${describe(callee)} is called`);
        return callee.run(expression.args.map((arg) => this.evaluate(arg, scope)));
      }
      case 'object':
        return namespace(expression.entries.map((entry) => [entry.name, this.evaluate(entry.value, scope)] as const));
      case 'array':
        return expression.items.map((item) => this.evaluate(item, scope));
    }
  }

  /** An item of an array, or one matrix of a stack or kernel. */
  private at({ object, index, span }: Extract<Expression, { kind: 'index' }>, scope: Scope): Operand {
    const [whole, key] = [this.evaluate(object, scope), this.evaluate(index, scope)];
    if (!(whole instanceof Value && typeof key === 'number')) return member(whole, key);
    return this.host.apply(({ tape }, [value]) => entryOf(tape, toValue(value), key), [whole], span);
  }

  private unary(expression: Extract<Expression, { kind: 'unary' }>, scope: Scope): Operand {
    const { operator } = expression;
    const operand = this.evaluate(expression.operand, scope);
    if (operator === '!') return operand instanceof Value ? this.perUnit(not, [operand], expression) : !operand;
    if (operator === '+') return operand;
    return typeof operand === 'number' ? -operand : this.perUnit(negate, [operand], expression);
  }

  private perUnit(operation: Operation, operands: readonly Operand[], { span }: Expression): Operand {
    return this.host.apply(({ tape }, values) => pointwise(tape, operation, values.map(toValue)), operands, span);
  }

  private binary(expression: Extract<Expression, { kind: 'binary' }>, scope: Scope): Operand {
    const { operator } = expression;
    const left = this.evaluate(expression.left, scope);
    // As in JavaScript: what the left side decides leaves the right side unevaluated.
    if (operator === '&&' && !(left instanceof Value)) return left ? this.evaluate(expression.right, scope) : left;
    if (operator === '||' && !(left instanceof Value)) return left ? left : this.evaluate(expression.right, scope);
    const right = this.evaluate(expression.right, scope);
    // A static right side decides or drops out, so that the result may be static too.
    if (operator === '&&' && isStatic(right)) return right ? left : right;
    if (operator === '||' && isStatic(right)) return right ? right : left;
    if (isStatic(left) && isStatic(right)) return staticBinary(operator, left, right);
    return this.perUnit(operators[operator], [left, right], expression);
  }

  private builtin(expression: Extract<Expression, { kind: 'builtin' }>, scope: Scope): Operand {
    const { name } = expression;
    const args = expression.args.map((arg) => this.evaluate(arg, scope));
    const own = this.host.own(name, args, expression.span);
    if (own !== undefined) return own;
    if (isStructural(name)) return this.host.apply(structural[name], args, expression.span);
    if (!isFunction(name)) throw new Error(`there is no function ${name}`);
    const operation: Operation = functions[name];
    const missing = operation.pullbacks.length - args.length;
    const values = [...args, ...(missing > 0 ? (operation.defaults ?? []).slice(-missing) : [])];
    if (values.length !== operation.pullbacks.length) throw new Error(`${name} of ${args.length} arguments`);
    if (!values.every(isStatic)) return this.perUnit(operation, values, expression);
    // A function of static numbers is static, and as exact as other arithmetic on them: it may bound a loop or choose a branch.
    const [a = 0, b = 0, c = 0] = values.map(Number);
    return operation.forward(a, b, c);
  }

  private test(expression: Expression, scope: Scope): boolean {
    const value = this.evaluate(expression, scope);
    if (!isStatic(value)) throw new Error(`a test on ${describe(value)} is not static`);
    return Boolean(value);
  }

  private staticNumber(expression: Expression, scope: Scope): number {
    const value = this.evaluate(expression, scope);
    if (typeof value !== 'number') throw new Error(`a loop bound is ${describe(value)}`);
    return value;
  }
}

function bind(scope: Scope, pattern: Pattern, value: Operand | undefined): void {
  if (pattern.kind === 'name') {
    if (value === undefined) throw new Error(`${pattern.name} got no value`);
    scope.declare(pattern.name, value);
  } else if (pattern.kind === 'object') {
    for (const { property, name } of pattern.members) {
      const found = isNamespace(value) ? value.members.get(property) : undefined;
      // A parameter that these options leave out stays unbound: only a branch not taken may name it.
      if (found !== undefined) scope.declare(name, found);
    }
  } else {
    pattern.names.forEach(({ name }, position) => {
      scope.declare(name, member(value, position));
    });
  }
}

function member(object: Operand | undefined, key: Operand): Operand {
  let found: Operand | undefined;
  if (isArray(object)) found = key === 'length' ? object.length : object[Number(key)];
  else if (isNamespace(object)) found = object.members.get(String(key));
  if (found === undefined) throw new Error(`${describe(object)} has no member ${String(key)}`);
  return found;
}
