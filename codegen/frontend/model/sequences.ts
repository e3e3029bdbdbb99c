/** What a model's run does with sequences: operations find a section, sums over time become states, layers are run. */
import type { NodeId, Shape } from '../../ir/graph.js';
import { didYouMean, listNames } from '../../suggest.js';
import { isModelFunction, type ModelFunction, type Structural } from '../language/vocabulary.js';
import type { Machine, Sequences } from '../machine/machine.js';
import type { Operand } from '../machine/operand.js';
import { describe, POISON, showShape, type Value } from '../machine/values.js';
import { sameShape } from '../operations/products.js';
import type { ModelTree, Span, TensorDeclaration } from '../tree.js';
import { Feedback } from './feedback.js';
import { LayerCall } from './layer-call.js';
import type { Home, Section, Sections } from './sections.js';

/** A number for every step, in the section that it is computed in. */
interface Steps {
  readonly id: NodeId;
  readonly section: Section;
  readonly time: string;
}

export class RunSequences implements Sequences {
  constructor(
    private readonly machine: Machine,
    private readonly tree: ModelTree,
    private readonly sections: Sections,
  ) {}

  get times(): ModelTree['times'] {
    return this.tree.times;
  }

  /** The caller's inputs as `run` sees them: each time axis has a section that holds them, and so have those without time. */
  inputs(declarations: readonly TensorDeclaration[]): Map<string, Value> {
    const sources = new Map<string | undefined, Section>();
    return new Map(
      declarations.map((declaration): [string, Value] => {
        const { name, shape, symbols, leading, span } = declaration;
        const time = leading === undefined ? 'T' : leading.length > 1 ? leading[0] : undefined;
        const section = sources.get(time) ?? this.sections.add(time, { open: false });
        sources.set(time, section);
        section.inputs.push({ name, shape, seen: 'step', source: { kind: 'host', name } });
        const id = this.sections.leaf(section, { op: 'input', name }, shape, span);
        if (symbols !== undefined) this.machine.common.vocabularies.declare(id, symbols);
        return [name, { kind: 'node', id }];
      }),
    );
  }

  states(declarations: readonly TensorDeclaration[], tree: ModelTree): Feedback {
    return new Feedback(this.machine, this.sections, declarations, tree);
  }

  meet(operands: readonly Operand[], at: Span): readonly Operand[] | undefined {
    const homes = operands.flatMap(({ value }) => this.homeOf(value) ?? []);
    const times = this.timesOf(homes);
    if (times.length > 1) return this.refuseTimes(times, at);
    if (this.together(homes)) return operands;
    const target = this.sections.target(times[0], homes);
    return operands.map((operand) => this.taken(target, operand));
  }

  call(callee: Operand, args: readonly Operand[], at: Span): Value {
    const { value, span } = callee;
    if (value.kind === 'poison') return POISON;
    if (value.kind === 'absent') {
      const message = `the layer \`${value.name}\` is called, but its \`when\` leaves it out under these options`;
      this.machine.report('SPEC-ABSENT', span, message, 'Call it behind the same test: `o.option ? … : …`.');
      return POISON;
    }
    if (value.kind !== 'layer') {
      const what = value.kind === 'array' ? 'an array of layers' : describe(value, this.machine.builder);
      const fix = value.kind === 'array' ? 'Call one of them: `deep[0]({ x })`.' : 'Call a layer that `layers` declares.';
      this.machine.report('SPEC-NOT-CALLABLE', span, `this is ${what}, and only a layer is called`, fix);
      return POISON;
    }
    const cell = this.tree.cells[value.instance.cell];
    if (cell === undefined) return POISON;
    const declared = this.tree.layers.find(({ name }) => name === value.instance.name.replace(/\.\d+$/, ''));
    const others = declared?.cell.kind === 'string' ? [] : Object.values(this.tree.cells);
    return new LayerCall(this.machine, this.sections, this, cell, others, value.instance, at).run(args);
  }

  overTime(name: string, operands: readonly Operand[], at: Span): Value | undefined {
    const [operand, axis] = operands;
    if (isModelFunction(name)) return operand === undefined ? POISON : this.ofSequence(name, operand, axis, at);
    const named = axis?.value.kind === 'static' && typeof axis.value.value === 'string' ? axis.value.value : undefined;
    if (NAMING.includes(name)) return undefined;
    if (named === 'B' && operand !== undefined && (name === 'sum' || name === 'mean')) return this.overBatch(name, operand, at);
    if (operand === undefined || axis === undefined || !this.tree.times.some((time) => time.name === named)) return undefined;
    // What was a sequence and is a memory now has the axis as one of its dims.
    if (named !== undefined && operand.value.kind === 'node' && this.machine.shape(operand.value.id).includes(named))
      return undefined;
    const whole = this.sequence(`\`${name}(x, '${named}')\``, operand, at);
    if (whole === undefined) return POISON;
    const x = this.apart(whole, at);
    if (x.time !== named) {
      const message = `this is a sequence over \`${x.time}\`, not over \`${named}\``;
      this.machine.report('SPEC-TIMES', operand.span, message, `Write '${x.time}'.`);
      return POISON;
    }
    switch (name) {
      case 'sum':
        return this.node(this.total(x, at));
      case 'mean':
        return this.mean(x, at);
      case 'maxOver':
        return this.node(this.oneOf(x.id, this.largest(x, at)));
      case 'softmax':
        return this.softmax(x, operand, at);
      default: {
        const message = `\`${name}\` is over units, and '${named}' is a time axis`;
        this.machine.report('SPEC-TIMES', axis.span, message, 'Over time there are `sum`, `mean`, `maxOver` and `softmax`.');
        return POISON;
      }
    }
  }

  /** Where a value is at home; `undefined` for what no section computes. */
  homeOf(value: Value): Home | undefined {
    const id = nodeOf(value);
    return id === undefined ? undefined : this.sections.home(id);
  }

  /** The time axis of a value, `undefined` where it has none. */
  timeOf(home: Home | undefined): string | undefined {
    if (home === undefined || (home.kind === 'left' && home.source !== 'output')) return undefined;
    return home.section.time;
  }

  timesOf(homes: readonly Home[]): string[] {
    return [...new Set(homes.map((home) => this.timeOf(home)).filter((time) => time !== undefined))];
  }

  refuseTimes(times: readonly string[], at: Span): undefined {
    const message = `a sequence over \`${times[0]}\` meets one over \`${times[1]}\``;
    const fix = `Bring one to a value without time first: \`mean(x, '${times[1]}')\`, a layer's \`final\`, or all of it, \`memory(x)\`.`;
    this.machine.report('SPEC-TIMES', at, message, fix);
    return undefined;
  }

  /** An operand in a section that comes after its own. */
  taken(into: Section, { value, span }: Operand): Operand {
    const id = nodeOf(value);
    return id === undefined ? { value, span } : { value: withNode(value, this.sections.take(into, id, span)), span };
  }

  /** Whether one section that is open has all of them. */
  private together(homes: readonly Home[]): boolean {
    const [first] = homes;
    return homes.every(
      (home) => home.kind === 'section' && home.section.open && first?.kind === 'section' && first.section === home.section,
    );
  }

  /** A number for every step, in an open section; reported where it is none. */
  private sequence(title: string, { value, span }: Operand, at: Span): Steps | undefined {
    if (value.kind === 'poison') return undefined;
    const id = this.machine.number(value, span);
    if (id === undefined) return undefined;
    const home = this.sections.home(id);
    const time = this.timeOf(home);
    if (home === undefined || time === undefined) {
      const message = `${title} takes a sequence, and this has no time`;
      this.machine.report('SPEC-TIMES', span, message, 'Leave the function out: there is one value for each sequence.');
      return undefined;
    }
    if (home.kind === 'section' && home.section.open) return { id, section: home.section, time };
    const section = this.sections.target(time, [home]);
    return { id: this.sections.take(section, id, at), section, time };
  }

  /**
   * The same sequence where a reduction of it, which is a state, takes nothing into a loop that the loop can do without: the
   * logits of all steps are computed at once, and their losses added up behind.
   */
  private apart(x: Steps, at: Span): Steps {
    const { id, section, time } = x;
    if (Object.values(section.next).includes(id) || !this.sections.isCarried(section, id)) return x;
    const behind = this.sections.target(time, [{ kind: 'left', section, source: 'output', name: '' }]);
    return { id: this.sections.take(behind, id, at), section: behind, time };
  }

  private ofSequence(name: ModelFunction, operand: Operand, argument: Operand | undefined, at: Span): Value {
    if (name === 'memory') return this.memory(operand, at);
    if (name === 'steps') return this.steps(operand, at);
    return this.along(name, operand, argument, at);
  }

  /** All steps of a sequence of vectors as one value without time. */
  private memory(operand: Operand, at: Span): Value {
    const x = this.sequence('`memory`', operand, at);
    if (x === undefined) return POISON;
    const shape = this.machine.shape(x.id);
    if (shape.length !== 1 || shape[0] === x.time) {
      const message = `\`memory\` takes a vector at every step, and this is ${showShape(shape)}`;
      const fix = 'Bring it into one vector first; a number becomes one by `broadcast` or a matrix of one column.';
      this.machine.report('SPEC-TIMES', operand.span, message, fix);
      return POISON;
    }
    const name = this.sections.output(x.section, x.id);
    return this.node(this.sections.left(x.section, 'memory', name, [x.time, ...shape], at));
  }

  /** How many steps each sequence has along a time axis. */
  private steps({ value, span }: Operand, at: Span): Value {
    const time = value.kind === 'static' ? this.tree.times.find(({ name }) => name === value.value)?.name : undefined;
    if (time === undefined) {
      if (value.kind === 'poison') return POISON;
      const names = this.tree.times.map(({ name }) => `'${name}'`);
      const message = `\`steps\` takes the name of a time axis, and this is ${describe(value, this.machine.builder)}`;
      this.machine.report(
        'SPEC-TIMES',
        span,
        message,
        `Write \`steps(${names[0]})\`; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}.`,
      );
      return POISON;
    }
    return this.node(this.sections.leaf(this.sections.target(undefined, []), { op: 'steps', time }, [], at));
  }

  private along(name: 'shift' | 'first' | 'last', operand: Operand, count: Operand | undefined, at: Span): Value {
    const x = this.sequence(`\`${name}\``, operand, at);
    if (name !== 'shift')
      return x === undefined ? POISON : this.node(this.oneOf(x.id, this.atOneEnd(name, this.apart(x, at), at)));
    const steps = count?.value.kind === 'static' ? count.value.value : undefined;
    if (count !== undefined && count.value.kind !== 'poison' && (!Number.isInteger(steps) || steps === 0)) {
      const message = `\`shift\` takes a whole number of steps other than 0, and this is ${describe(count.value, this.machine.builder)}`;
      this.machine.report(
        'SPEC-TIMES',
        count.span,
        message,
        'Write `shift(x, -1)` for the step before, `shift(x, 1)` for the next.',
      );
      return POISON;
    }
    if (x === undefined || typeof steps !== 'number') return POISON;
    let { id, section } = x;
    if (this.machine.builder.node(id).op !== 'input') {
      // What a section computes at other steps is in memory only for those behind it.
      const behind = this.sections.target(x.time, [{ kind: 'left', section, source: 'output', name: '' }]);
      id = this.sections.take(behind, id, at);
      section = behind;
    }
    return { kind: 'node', id: this.sections.shifted(section, id, -steps, at) };
  }

  /** Each sequence's share of a total: what a plan for more sequences has besides those of a run is zero. */
  private overBatch(of: 'sum' | 'mean', { value, span }: Operand, at: Span): Value {
    const { builder } = this.machine;
    const id = this.machine.number(value, span);
    if (id === undefined) return POISON;
    const home = this.sections.home(id);
    const time = this.timeOf(home);
    const shape = this.machine.shape(id);
    if (home === undefined || time !== undefined || shape.length > 0) {
      const what =
        home === undefined ? 'the same for all' : time === undefined ? showShape(shape) : `a sequence over \`${time}\``;
      const message = `\`${of}(x, 'B')\` takes one number for each sequence, and this is ${what}`;
      const within = time === undefined ? `${of}(${of}(x), 'B')` : `sum(sum(x, '${time}'), 'B')`;
      const fix = home === undefined ? 'Make it of an input, or leave it out.' : `Bring it to one first: \`${within}\`.`;
      this.machine.report('SPEC-TOTAL', span, message, fix);
      return POISON;
    }
    const section = this.sections.target(undefined, [home]);
    const own = this.sections.take(section, id, at);
    const batch = this.sections.leaf(section, { op: 'batch' }, [], at);
    const [zero, one] = [builder.constant(0, at), builder.constant(1, at)];
    // A row that is no sequence of the run would be divided by none.
    const share = of === 'sum' ? own : builder.apply('div', [own, builder.apply('max', [batch, one], at)], at);
    return { kind: 'total', of, id: builder.apply('select', [builder.apply('gt', [batch, zero], at), share, zero], at) };
  }

  private node(id: NodeId): Value {
    return { kind: 'node', id };
  }

  /** A state that starts from zero, its value after the last step. */
  private reduced(
    { section }: { readonly section: Section },
    name: string,
    shape: Shape,
    at: Span,
    next: (before: NodeId) => NodeId,
  ): NodeId {
    const { builder } = this.machine;
    const zero = this.initial(builder.constant(0, at), shape, at);
    const { name: own, id } = this.sections.state(section, name, shape, zero, at);
    section.next[own] = next(id);
    return this.sections.left(section, 'final', own, shape, at);
  }

  /** The value that states start from, where it is made of parameters and constants: an output of the first section. */
  initial(id: NodeId, shape: Shape, at: Span): Home & { kind: 'left' } {
    const { builder } = this.machine;
    const section = this.sections.all[0];
    if (section === undefined) throw new Error('a model begins with a section of constants');
    return this.sections.start(section, sameShape(builder.node(id).shape, shape) ? id : builder.expand(id, shape, [], at));
  }

  private total(x: { id: NodeId; section: Section }, at: Span): NodeId {
    const { builder } = this.machine;
    return this.reduced(x, 'sum', builder.node(x.id).shape, at, (sum) => builder.apply('add', [sum, x.id], at));
  }

  private mean(x: { id: NodeId; section: Section }, at: Span): Value {
    const { builder } = this.machine;
    const one = builder.constant(1, at);
    const steps = this.reduced(x, 'steps', [], at, (count) => builder.apply('add', [count, one], at));
    const sum = this.total(x, at);
    const [a, b] = this.meet([operandOf(sum, at), operandOf(steps, at)], at) ?? [];
    if (a?.value.kind !== 'node' || b?.value.kind !== 'node') return POISON;
    return this.node(builder.apply('div', [a.value.id, builder.apply('max', [b.value.id, one], at)], at));
  }

  private largest(x: { id: NodeId; section: Section }, at: Span): NodeId {
    const { builder } = this.machine;
    const { shape } = builder.node(x.id);
    return this.reduced(x, 'largest', shape, at, (before) =>
      builder.apply('select', [this.isFirst(at), x.id, builder.apply('max', [before, x.id], at)], at),
    );
  }

  private atOneEnd(name: 'first' | 'last', x: Steps, at: Span): NodeId {
    const { builder } = this.machine;
    return this.reduced(x, name, builder.node(x.id).shape, at, (before) =>
      name === 'last' ? x.id : builder.apply('select', [this.isFirst(at), x.id, before], at),
    );
  }

  /** What is one of the values at all steps is one of the same symbols. */
  private oneOf(all: NodeId, one: NodeId): NodeId {
    this.machine.common.vocabularies.copy(all, one);
    return one;
  }

  private isFirst(at: Span): NodeId {
    const { builder } = this.machine;
    return builder.apply('eq', [builder.leaf({ op: 'time' }, [], at), builder.constant(0, at)], at);
  }

  /** e to what each step lies below the largest, over the sum of all: no exponential overflows. */
  private softmax(x: Steps, operand: Operand, at: Span): Value {
    const { builder } = this.machine;
    const top = this.largest(x, at);
    const [value, above] = this.meet([{ value: this.node(x.id), span: operand.span }, operandOf(top, at)], at) ?? [];
    if (value?.value.kind !== 'node' || above?.value.kind !== 'node') return POISON;
    const held = builder.apply('stopGradient', [above.value.id], at);
    const power = builder.apply('exp', [builder.apply('sub', [value.value.id, held], at)], at);
    const home = this.sections.home(power);
    if (home?.kind !== 'section') return POISON;
    const sum = this.total({ id: power, section: home.section }, at);
    const [own, all] = this.meet([operandOf(power, at), operandOf(sum, at)], at) ?? [];
    if (own?.value.kind !== 'node' || all?.value.kind !== 'node') return POISON;
    return this.node(builder.apply('div', [own.value.id, all.value.id], at));
  }

  /** Says which of the names that something takes is meant by one that it does not. */
  unknown(what: string, name: string, known: readonly string[], at: Span): void {
    const has = known.length === 0 ? 'It has none.' : `It has ${listNames(known)}.`;
    this.machine.report('SPEC-UNKNOWN-MEMBER', at, `${what} \`${name}\``, didYouMean(name, known, has));
  }

  /** Reports a value of another shape than the one that is wanted. */
  fits(what: string, id: NodeId, wanted: Shape, at: Span): boolean {
    const given = this.machine.shape(id);
    if (sameShape(given, wanted)) return true;
    const message = `${what} is ${showShape(wanted)}, and this is ${showShape(given)}`;
    this.machine.report(
      'SPEC-SHAPE-MISMATCH',
      at,
      message,
      'Give it a value of that shape, or map the dims of the layer otherwise.',
    );
    return false;
  }
}

/** Functions whose dims are those of what they make: a memory's steps may be among them. */
const NAMING: readonly string[] = ['broadcast', 'concat', 'slice', 'split', 'index', 'blockIndex'] satisfies Structural[];

const operandOf = (id: NodeId, span: Span): Operand => ({ value: { kind: 'node', id }, span });

/** The node that a value is, or that it is a view of: a computed matrix may be transposed. */
function nodeOf(value: Value): NodeId | undefined {
  if (value.kind === 'node') return value.id;
  return value.kind === 'matrix' && value.matrix.source === 'value' ? value.matrix.id : undefined;
}

function withNode(value: Value, id: NodeId): Value {
  if (value.kind === 'matrix' && value.matrix.source === 'value') return { ...value, matrix: { ...value.matrix, id } };
  return { kind: 'node', id };
}
