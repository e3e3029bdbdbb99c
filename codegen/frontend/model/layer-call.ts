/** A layer run on sequences: its step is evaluated with the sequences' values, in a section that has its states. */
import type { NodeId } from '../../ir/graph.js';
import { finish, groupValue } from '../lower/lower.js';
import { callFunctionTree, callHelper } from '../lower/run.js';
import { optionsValue } from '../lower/signature.js';
import { Machine } from '../machine/machine.js';
import type { Operand } from '../machine/operand.js';
import { Environment, POISON, type Value } from '../machine/values.js';
import type { CellTree, LayerInstance, Signature, Span, TensorDeclaration } from '../tree.js';
import { ArgumentReader, type LayerArguments, type SequenceValues } from './layer-arguments.js';
import type { Home, Section, Sections } from './sections.js';
import { declarationInModel } from './signature.js';

/** What the layer's steps are given. */
type Given = Pick<LayerArguments, 'inputs' | 'from'>;

export class LayerCall {
  /** The cell's tensors in the model's dims. */
  private readonly signature: Signature;

  constructor(
    private readonly machine: Machine,
    private readonly sections: Sections,
    private readonly sequences: SequenceValues,
    private readonly cell: CellTree,
    /** What the layer may be under other options: names that only these have are left out. */
    private readonly others: readonly CellTree[],
    private readonly instance: LayerInstance,
    private readonly at: Span,
  ) {
    const { signature, dims } = instance;
    const map = (declarations: readonly TensorDeclaration[]) =>
      declarations.map((declaration) => declarationInModel(declaration, dims));
    this.signature = { ...signature, inputs: map(signature.inputs), state: map(signature.state), params: map(signature.params) };
  }

  run(args: readonly Operand[]): Value {
    const { machine, sections, sequences, cell, others, instance, signature, at } = this;
    const reader = new ArgumentReader(machine, sections, sequences, cell, others, instance, signature, at);
    const read = reader.read(args);
    if (read === undefined) return POISON;
    const { starts, order } = read;
    const homesOf = ({ inputs, from }: Given) =>
      [...inputs.values(), ...from.values()].flatMap(({ value }) => sequences.homeOf(value) ?? []);
    const times = sequences.timesOf(homesOf(read));
    if (times.length > 1) {
      sequences.refuseTimes(times, at);
      return POISON;
    }
    const [time] = times;
    if (time === undefined) {
      const message = `the layer \`${instance.name}\` is given no sequence: nothing says how many steps it has`;
      machine.report('SPEC-TIMES', at, message, "Give it an input over time, `over('T', …)`.");
      return POISON;
    }
    const given: Given = calls(cell, 'delay')
      ? { inputs: this.repeated(time, read.inputs), from: this.repeated(time, read.from) }
      : read;
    const section = this.section(time, order, [...homesOf(given), ...starts.values()], given);
    return this.evaluate(section, given, starts);
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
  private section(time: string, order: 'ahead' | 'back', homes: readonly Home[], given: Given): Section {
    if (order === 'back') return this.sections.add(time, { order: 'back' });
    const target = this.sections.target(time, homes);
    const delays = calls(this.cell, 'delay');
    // What is fed back is there step by step only: what comes of it is computed in its loop, but for what needs steps before.
    if (target.feedsBack && !delays) return target;
    const values = [...given.inputs.values(), ...given.from.values()];
    const through = values.some(({ value }) => value.kind === 'node' && this.sections.isCarried(target, value.id));
    return through || delays ? this.sections.add(time) : target;
  }

  private evaluate(section: Section, { inputs, from }: Given, starts: ReadonlyMap<string, Home & { kind: 'left' }>): Value {
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
    const states = this.signature.state.flatMap((declaration) => {
      if (from.has(declaration.name)) return [];
      const start = starts.get(declaration.name);
      if (start === undefined) throw new Error(`state ${declaration.name} starts from nothing`);
      const { name } = sections.state(section, `${instance.name}.${declaration.name}`, declaration.shape, start, at);
      return [{ declaration, name }];
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
    const given = (group: 'inputs' | 'state', operands: ReadonlyMap<string, Operand>, declared: Value): Value => {
      if (declared.kind !== 'object') return declared;
      const members = [...operands].map(([name, operand]): [string, Value] => [name, this.given(section, group, name, operand)]);
      return { ...declared, members: new Map([...declared.members, ...members]) };
    };
    const context: Value = {
      kind: 'object',
      title: 'member of the context',
      members: new Map<string, Value>([
        ['options', optionsValue(cell, instance.signature.options, machine.recovery)],
        ['t', { kind: 'time' }],
      ]),
      open: false,
    };
    const own = named('state', (name) => states.find(({ declaration }) => declaration.name === name)?.name ?? name);
    const args: Value[] = [
      given(
        'inputs',
        inputs,
        named('inputs', (name) => name),
      ),
      given('state', from, own),
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
      const id = sections.left(section, 'final', name, declaration.shape, at);
      if (declaration.symbols !== undefined) machine.common.vocabularies.declare(id, declaration.symbols);
      return [declaration.name, { kind: 'node', id }];
    });
    const sequence = ([name, id]: [string, NodeId]): [string, Value] => [name, { kind: 'node', id: this.output(section, id) }];
    const object = (members: readonly [string, Value][]): Value => {
      return { kind: 'object', title: `state of \`${instance.name}\``, members: new Map(members), open: false };
    };
    return {
      kind: 'object',
      title: `output of \`${instance.name}\``,
      // A cell may call an output `state`.
      members: new Map([
        ['state', object(Object.entries(graph.next).map(sequence))],
        ...Object.entries(graph.outputs).map(sequence),
        ['final', object(finals)],
      ]),
      open: false,
    };
  }

  /** An input, or a state that is given, as the step has it: one that is in memory can be delayed, too. */
  private given(section: Section, group: 'inputs' | 'state', name: string, operand: Operand): Value {
    if (operand.value.kind !== 'node') return operand.value;
    const id = this.sections.take(section, operand.value.id, operand.span);
    const node = this.machine.builder.node(id);
    const declaration = this.signature[group].find((one) => one.name === name);
    const entry = this.cell[group].entries.find((one) => one.name === name);
    if (node.op !== 'input' || declaration === undefined || entry === undefined) return { kind: 'node', id };
    return {
      kind: 'declared',
      group: 'inputs',
      // What vocabulary it is of, if of any, the value that is given knows.
      declaration: { ...declaration, name: node.name, symbols: undefined },
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
