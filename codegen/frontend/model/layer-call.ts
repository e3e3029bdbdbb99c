/** A layer run on sequences: its step is evaluated with the sequences' values, in a section that has its states. */
import type { NodeId, Shape } from '../../ir/graph.js';
import { didYouMean, listNames } from '../../suggest.js';
import { constantOf } from '../declare/constant.js';
import { finish, groupValue } from '../lower/lower.js';
import { callFunctionTree, callHelper } from '../lower/run.js';
import { optionsValue } from '../lower/signature.js';
import { Machine } from '../machine/machine.js';
import type { Operand } from '../machine/operand.js';
import { describe, Environment, POISON, type Value } from '../machine/values.js';
import type { CellTree, LayerInstance, Signature, Span, TensorDeclaration } from '../tree.js';
import type { Home, Section, Sections } from './sections.js';
import { inModel } from './signature.js';

const USAGE = 'Write `layer({ x }, { state: { h: … }, reverse: true })`; the second may be left out.';
const SETTINGS = ['state', 'reverse'];

/** What a call asks of the values around it, and how it tells what is wrong with them. */
interface Values {
  homeOf(value: Value): Home | undefined;
  timeOf(home: Home | undefined): string | undefined;
  timesOf(homes: readonly Home[]): readonly string[];
  initial(id: NodeId, shape: Shape, at: Span): Home & { kind: 'left' };
  refuseTimes(times: readonly string[], at: Span): void;
  unknown(what: string, name: string, known: readonly string[], at: Span): void;
  fits(what: string, id: NodeId, wanted: Shape, at: Span): boolean;
}

export class LayerCall {
  /** The cell's tensors in the model's dims. */
  private readonly signature: Signature;

  constructor(
    private readonly machine: Machine,
    private readonly sections: Sections,
    private readonly sequences: Values,
    private readonly cell: CellTree,
    /** What the layer may be under other options: inputs that only these have are left out. */
    private readonly others: readonly CellTree[],
    private readonly instance: LayerInstance,
    private readonly at: Span,
  ) {
    const { signature, dims } = instance;
    const map = (declarations: readonly TensorDeclaration[]) =>
      declarations.map((declaration) => ({ ...declaration, shape: inModel(declaration.shape, dims) }));
    this.signature = { ...signature, inputs: map(signature.inputs), state: map(signature.state), params: map(signature.params) };
  }

  run(args: readonly Operand[]): Value {
    const { machine, instance, at } = this;
    const inputs = this.members('its inputs', args[0]);
    const settings = args[1] === undefined ? new Map<string, Operand>() : this.members('its settings', args[1]);
    if (inputs === undefined || settings === undefined) return POISON;
    for (const [name, { span }] of settings) {
      if (SETTINGS.includes(name)) continue;
      const fix = didYouMean(name, SETTINGS, `It has ${listNames(SETTINGS)}; options belong to \`layer(…, { options })\`.`);
      machine.report('SPEC-LAYER-SETTING', span, `the call of a layer has no setting \`${name}\``, fix);
    }
    const reverse = settings.get('reverse');
    const order = reverse === undefined ? 'ahead' : this.orderOf(reverse);
    const state = settings.get('state');
    const initial = state === undefined ? new Map<string, Operand>() : this.members('its initial state', state);
    const given = this.given(inputs);
    const starts = initial && this.starts(initial);
    if (given === undefined || starts === undefined || order === undefined) return POISON;
    const homes = [...given.values()].flatMap(({ value }) => this.sequences.homeOf(value) ?? []);
    const times = this.sequences.timesOf(homes);
    if (times.length > 1) {
      this.sequences.refuseTimes(times, at);
      return POISON;
    }
    const [time] = times;
    if (time === undefined) {
      const message = `the layer \`${instance.name}\` is given no sequence: nothing says how many steps it has`;
      machine.report('SPEC-TIMES', at, message, "Give it an input over time, `over('T', …)`.");
      return POISON;
    }
    const delayable = calls(this.cell, 'delay') ? this.repeated(time, given) : given;
    const own = [...delayable.values()].flatMap(({ value }) => this.sequences.homeOf(value) ?? []);
    const section = this.section(time, order, [...own, ...starts.values()], delayable);
    return this.evaluate(section, delayable, starts);
  }

  /** A literal object's values by name; reported where it is something else. */
  private members(what: string, operand: Operand | undefined): Map<string, Operand> | undefined {
    if (operand === undefined || operand.value.kind === 'poison') return undefined;
    const { value, span } = operand;
    if (value.kind === 'object') {
      return new Map(
        [...value.members].map(([name, member]) => [name, { value: member, span: value.places?.get(name) ?? span }]),
      );
    }
    const [input] = this.signature.inputs;
    const fix =
      what === 'its inputs' ? `Give it its inputs by name: \`${this.instance.name}({ ${input?.name ?? 'x'} })\`.` : USAGE;
    this.machine.report(
      'SPEC-ARGUMENTS',
      span,
      `a layer takes ${what} in an object, and this is ${describe(value, this.machine.builder)}`,
      fix,
    );
    return undefined;
  }

  private orderOf({ value, span }: Operand): 'ahead' | 'back' | undefined {
    if (value.kind === 'static' && typeof value.value === 'boolean') return value.value ? 'back' : 'ahead';
    if (value.kind !== 'poison') {
      const message = `\`reverse\` is true or false when compiling, and this is ${describe(value, this.machine.builder)}`;
      this.machine.report('SPEC-NOT-STATIC', span, message, 'Write `reverse: true`, or an option that is a flag.');
    }
    return undefined;
  }

  /** The inputs of the cell; `undefined` after a mistake. */
  private given(inputs: ReadonlyMap<string, Operand>): Map<string, Operand> | undefined {
    const { machine, signature, sequences, instance } = this;
    const names = signature.inputs.map(({ name }) => name);
    let whole = true;
    for (const [name, { span }] of inputs) {
      if (names.includes(name)) continue;
      if (![this.cell, ...this.others].some(({ inputs: own }) => own.entries.some((entry) => entry.name === name))) {
        sequences.unknown(`the layer \`${instance.name}\` (${this.cell.name}) has no input`, name, names, span);
        whole = false;
      }
    }
    const given = new Map<string, Operand>();
    for (const { name, shape } of signature.inputs) {
      const operand = inputs.get(name);
      if (operand === undefined) {
        const message = `the layer \`${instance.name}\` (${this.cell.name}) is not given its input \`${name}\``;
        machine.report('SPEC-ARGUMENTS', this.at, message, `Write \`${instance.name}({ ${names.join(', ')} })\`.`);
        whole = false;
        continue;
      }
      const id = machine.number(operand.value, operand.span);
      if (id === undefined || !sequences.fits(`the input \`${name}\` of \`${instance.name}\``, id, shape, operand.span))
        whole = false;
      else given.set(name, { value: { kind: 'node', id }, span: operand.span });
    }
    return whole ? given : undefined;
  }

  /** Where the states start from; `undefined` after a mistake. */
  private starts(initial: ReadonlyMap<string, Operand>): Map<string, Home & { kind: 'left' }> | undefined {
    const { machine, signature, sequences, instance, sections, at } = this;
    const names = signature.state.map(({ name }) => name);
    let whole = true;
    for (const [name, { span }] of initial) {
      if (names.includes(name)) continue;
      if ([this.cell, ...this.others].some(({ state }) => state.entries.some((entry) => entry.name === name))) continue;
      sequences.unknown(`the layer \`${instance.name}\` (${this.cell.name}) has no state`, name, names, span);
      whole = false;
    }
    const starts = new Map<string, Home & { kind: 'left' }>();
    for (const { name, shape, init } of signature.state) {
      const operand = initial.get(name);
      const value: Operand = operand ?? { value: { kind: 'static', value: constantOf(init) ?? 0 }, span: at };
      const id = machine.number(value.value, value.span);
      const scalar = id !== undefined && machine.shape(id).length === 0;
      if (
        id === undefined ||
        (!scalar && !sequences.fits(`the state \`${name}\` of \`${instance.name}\``, id, shape, value.span))
      ) {
        whole = false;
        continue;
      }
      const home = sections.home(id);
      if (home === undefined) starts.set(name, sequences.initial(id, shape, at));
      else if (sequences.timeOf(home) !== undefined) {
        const message = `the state \`${name}\` of \`${instance.name}\` starts from a sequence, and it starts once`;
        machine.report(
          'SPEC-TIMES',
          value.span,
          message,
          "Give it one value: `first(x)`, `mean(x, 'T')`, or another layer's `final`.",
        );
        whole = false;
      } else {
        const own = home.kind === 'section' && home.section.open ? home.section : sections.target(undefined, [home]);
        const taken = sections.take(own, id, value.span);
        const spread = machine.builder.expand(taken, shape, scalar ? [] : [...shape.keys()], at);
        starts.set(name, sections.start(own, spread));
      }
    }
    return whole ? starts : undefined;
  }

  /** A delay reaches what is in memory at every step: what has no time is written there at every step of `time`. */
  private repeated(time: string, given: ReadonlyMap<string, Operand>): Map<string, Operand> {
    const { machine, sections, sequences } = this;
    return new Map(
      [...given].map(([name, operand]): [string, Operand] => {
        const { value, span } = operand;
        const home = sequences.homeOf(value);
        if (value.kind !== 'node' || sequences.timeOf(home) !== undefined) return [name, operand];
        const section = sections.target(time, home === undefined ? [] : [home]);
        const output = sections.output(section, sections.take(section, value.id, span));
        const id = sections.left(section, 'output', output, machine.shape(value.id), span);
        return [name, { value: { kind: 'node', id }, span }];
      }),
    );
  }

  /** One whose loop the layer may join: what it is given does not come through that loop, and all of it comes before. */
  private section(time: string, order: 'ahead' | 'back', homes: readonly Home[], given: ReadonlyMap<string, Operand>): Section {
    if (order === 'back') return this.sections.add(time, { order: 'back' });
    const target = this.sections.target(time, homes);
    const delays = calls(this.cell, 'delay');
    // What is fed back is there step by step only: what comes of it is computed in its loop, but for what needs steps before.
    if (target.feedsBack && !delays) return target;
    const through = [...given.values()].some(({ value }) => value.kind === 'node' && this.sections.isCarried(target, value.id));
    return through || delays ? this.sections.add(time) : target;
  }

  private evaluate(
    section: Section,
    given: ReadonlyMap<string, Operand>,
    starts: ReadonlyMap<string, Home & { kind: 'left' }>,
  ): Value {
    const { machine, sections, instance, cell, at } = this;
    const inside = new Machine(
      cell,
      instance.signature.options,
      machine.recovery,
      machine.baseReport,
      machine.note,
      callHelper,
      machine.common,
    );
    inside.dimNames = instance.dims;
    const bad = new Set<string>();
    const states = this.signature.state.map((declaration) => {
      const start = starts.get(declaration.name);
      if (start === undefined) throw new Error(`state ${declaration.name} starts from nothing`);
      const { name, id } = sections.state(section, `${instance.name}.${declaration.name}`, declaration.shape, start, at);
      return { declaration, name, id };
    });
    const named = (title: 'inputs' | 'state' | 'params', rename: (name: string) => string): Value => {
      const group = groupValue(inside, cell, this.signature, title, bad);
      if (group.kind !== 'object') return group;
      const members = new Map(
        [...group.members].map(([name, member]): [string, Value] => [
          name,
          member.kind === 'declared' ? { ...member, declaration: { ...member.declaration, name: rename(name) } } : member,
        ]),
      );
      return { ...group, members };
    };
    const inputs = new Map([...given].map(([name, operand]): [string, Value] => [name, this.input(section, name, operand)]));
    const context: Value = {
      kind: 'object',
      title: 'member of the context',
      members: new Map<string, Value>([
        ['options', optionsValue(cell, instance.signature.options, machine.recovery)],
        ['t', { kind: 'time' }],
      ]),
      open: false,
    };
    const all = named('inputs', (name) => name);
    const args: Value[] = [
      all.kind === 'object' ? { ...all, members: new Map([...all.members, ...inputs]) } : all,
      named('state', (name) => states.find(({ declaration }) => declaration.name === name)?.name ?? name),
      named('params', (name) => `${instance.name}.${name}`),
      context,
    ];
    const returned = callFunctionTree(inside, cell.step, args, new Environment());
    const graph = finish(inside, cell, this.signature, returned, bad);
    for (const rate of inside.rates) machine.rates.add(rate);
    for (const used of inside.used) machine.used.add(used);
    machine.rules.push(...inside.rules);
    if (graph === undefined) return POISON;
    for (const { declaration, name } of states) section.next[name] = graph.next[declaration.name] ?? 0;
    const finals = states.map(({ declaration, name }): [string, Value] => {
      return [declaration.name, { kind: 'node', id: sections.left(section, 'final', name, declaration.shape, at) }];
    });
    const outputs = Object.entries(graph.outputs).map(([name, id]): [string, Value] => [
      name,
      { kind: 'node', id: this.output(section, id) },
    ]);
    const final: Value = { kind: 'object', title: `state of \`${instance.name}\``, members: new Map(finals), open: false };
    return {
      kind: 'object',
      title: `output of \`${instance.name}\``,
      members: new Map([...outputs, ['final', final]]),
      open: false,
    };
  }

  /** An input as the step has it: one that is in memory can be delayed, too. */
  private input(section: Section, name: string, operand: Operand): Value {
    if (operand.value.kind !== 'node') return operand.value;
    const id = this.sections.take(section, operand.value.id, operand.span);
    const node = this.machine.builder.node(id);
    const declaration = this.signature.inputs.find((one) => one.name === name);
    const entry = this.cell.inputs.entries.find((one) => one.name === name);
    if (node.op !== 'input' || declaration === undefined || entry === undefined) return { kind: 'node', id };
    return {
      kind: 'declared',
      group: 'inputs',
      declaration: { ...declaration, name: node.name },
      constructor_: entry.constructor_,
    };
  }

  /** Of steps that run from the last one on, and of what is made of the number of the step alone: to be read from memory. */
  private output(section: Section, id: NodeId): NodeId {
    if (section.open && this.sections.home(id) !== undefined) return id;
    const { shape } = this.machine.builder.node(id);
    return this.sections.left(section, 'output', this.sections.output(section, id), shape, this.at);
  }
}

/** Whether a cell's step, or a helper of it, calls a function of the language. */
function calls({ step, helpers }: Pick<CellTree, 'step' | 'helpers'>, name: string): boolean {
  // A tree is plain data, and a string in it has its quotes escaped.
  return JSON.stringify([step, helpers]).includes(`"kind":"builtin","name":"${name}"`);
}
