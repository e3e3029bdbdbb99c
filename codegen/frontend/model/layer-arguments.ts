/** What a call of a layer is given: inputs and settings, each against what the cell declares. */
import type { NodeId, Shape } from '../../ir/graph.js';
import { didYouMean, listNames } from '../../suggest.js';
import { constantOf } from '../declare/constant.js';
import { isOne } from '../lower/lower.js';
import type { Machine } from '../machine/machine.js';
import type { Operand } from '../machine/operand.js';
import { describe, type Value } from '../machine/values.js';
import type { CellTree, LayerInstance, Signature, Span, TensorDeclaration } from '../tree.js';
import type { Home, Sections } from './sections.js';

const USAGE = 'Write `layer({ x }, { state: { h: … }, reverse: true })`; the second may be left out.';
const SETTINGS = ['state', 'from', 'reverse'];

/** What a call asks of the values around it, and how it tells what is wrong with them. */
export interface SequenceValues {
  homeOf(value: Value): Home | undefined;
  timeOf(home: Home | undefined): string | undefined;
  timesOf(homes: readonly Home[]): readonly string[];
  initial(id: NodeId, shape: Shape, at: Span): Home & { kind: 'left' };
  refuseTimes(times: readonly string[], at: Span): void;
  unknown(what: string, name: string, known: readonly string[], at: Span): void;
  fits(what: string, id: NodeId, wanted: Shape, at: Span): boolean;
}

export interface LayerArguments {
  readonly inputs: ReadonlyMap<string, Operand>;
  /** States that each step is given. */
  readonly from: ReadonlyMap<string, Operand>;
  /** Where the other states start. */
  readonly starts: ReadonlyMap<string, Home & { kind: 'left' }>;
  readonly order: 'ahead' | 'back';
}

export class ArgumentReader {
  /** @param signature the cell's tensors in the model's dims */
  constructor(
    private readonly machine: Machine,
    private readonly sections: Sections,
    private readonly sequences: SequenceValues,
    private readonly cell: CellTree,
    /** What the layer may be under other options: names that only these have are left out. */
    private readonly others: readonly CellTree[],
    private readonly instance: LayerInstance,
    private readonly signature: Signature,
    private readonly at: Span,
  ) {}

  /** `undefined` after a mistake. */
  read(args: readonly Operand[]): LayerArguments | undefined {
    const { machine } = this;
    const given = this.members('its inputs', args[0]);
    const settings = args[1] === undefined ? new Map<string, Operand>() : this.members('its settings', args[1]);
    if (given === undefined || settings === undefined) return undefined;
    for (const [name, { span }] of settings) {
      if (SETTINGS.includes(name)) continue;
      const fix = didYouMean(name, SETTINGS, `It has ${listNames(SETTINGS)}; options belong to \`layer(…, { options })\`.`);
      machine.report('SPEC-LAYER-SETTING', span, `the call of a layer has no setting \`${name}\``, fix);
    }
    const reverse = settings.get('reverse');
    const order = reverse === undefined ? 'ahead' : this.orderOf(reverse);
    const table = (what: string, name: string): ReadonlyMap<string, Operand> | undefined => {
      const operand = settings.get(name);
      return operand === undefined ? new Map() : this.members(what, operand);
    };
    const initial = table('its initial state', 'state');
    const everyStep = table('the states of every step', 'from');
    const inputs = this.inputs(given);
    const from = everyStep && this.from(everyStep);
    const starts = initial && this.starts(initial, everyStep ?? new Map());
    if (inputs === undefined || from === undefined || starts === undefined || order === undefined) return undefined;
    return { inputs, from, starts, order };
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

  /** `undefined` after a mistake. */
  private inputs(given: ReadonlyMap<string, Operand>): Map<string, Operand> | undefined {
    const { machine, signature, sequences, instance } = this;
    const names = signature.inputs.map(({ name }) => name);
    let whole = this.areKnown('input', given, names);
    const inputs = new Map<string, Operand>();
    for (const { name, shape, symbols } of signature.inputs) {
      const operand = given.get(name);
      if (operand === undefined) {
        const message = `the layer \`${instance.name}\` (${this.cell.name}) is not given its input \`${name}\``;
        machine.report('SPEC-ARGUMENTS', this.at, message, `Write \`${instance.name}({ ${names.join(', ')} })\`.`);
        whole = false;
        continue;
      }
      const id = machine.number(operand.value, operand.span);
      const what = `the input \`${name}\` of \`${instance.name}\``;
      if (id === undefined || !sequences.fits(what, id, shape, operand.span)) whole = false;
      else if (symbols !== undefined && !isOne(machine, id, what, symbols, operand.span)) whole = false;
      else inputs.set(name, { value: { kind: 'node', id }, span: operand.span });
    }
    return whole ? inputs : undefined;
  }

  /** Whether the cell, or one that the layer may be, has all that is named; reported where it has not. */
  private areKnown(what: 'input' | 'state', given: ReadonlyMap<string, Operand>, names: readonly string[]): boolean {
    const group = what === 'input' ? 'inputs' : 'state';
    const all = [this.cell, ...this.others].flatMap((cell) => cell[group].entries.map(({ name }) => name));
    const unknown = [...given].filter(([name]) => !names.includes(name) && !all.includes(name));
    for (const [name, { span }] of unknown) {
      this.sequences.unknown(`the layer \`${this.instance.name}\` (${this.cell.name}) has no ${what}`, name, names, span);
    }
    return unknown.length === 0;
  }

  /** A state's value, of its shape or one number for all of its units; `undefined` after a mistake. */
  private stateValue({ name, shape, symbols }: TensorDeclaration, { value, span }: Operand): NodeId | undefined {
    const id = this.machine.number(value, span);
    const what = `the state \`${name}\` of \`${this.instance.name}\``;
    if (id === undefined) return undefined;
    if (symbols !== undefined && !isOne(this.machine, id, what, symbols, span)) return undefined;
    return this.machine.shape(id).length === 0 || this.sequences.fits(what, id, shape, span) ? id : undefined;
  }

  /** `undefined` after a mistake. */
  private from(given: ReadonlyMap<string, Operand>): Map<string, Operand> | undefined {
    const { signature, machine } = this;
    const names = signature.state.map(({ name }) => name);
    let whole = this.areKnown('state', given, names);
    const from = new Map<string, Operand>();
    for (const declaration of signature.state) {
      const operand = given.get(declaration.name);
      if (operand === undefined) continue;
      const id = this.stateValue(declaration, operand);
      if (id === undefined) {
        whole = false;
        continue;
      }
      const { shape } = declaration;
      const spread = machine.shape(id).length === shape.length ? id : machine.builder.expand(id, shape, [], operand.span);
      from.set(declaration.name, { value: { kind: 'node', id: spread }, span: operand.span });
    }
    return whole ? from : undefined;
  }

  /** Where the states start from that are not in `from`; `undefined` after a mistake. */
  private starts(
    initial: ReadonlyMap<string, Operand>,
    from: ReadonlyMap<string, Operand>,
  ): Map<string, Home & { kind: 'left' }> | undefined {
    const { machine, signature, sequences, instance, sections, at } = this;
    const names = signature.state.map(({ name }) => name);
    let whole = this.areKnown('state', initial, names);
    const starts = new Map<string, Home & { kind: 'left' }>();
    for (const declaration of signature.state) {
      const { name, shape, init } = declaration;
      const operand = initial.get(name);
      if (from.has(name)) {
        if (operand === undefined) continue;
        const message = `the state \`${name}\` of \`${instance.name}\` is given to every step, and starts from nothing`;
        machine.report('SPEC-LAYER-SETTING', operand.span, message, 'Leave it out of `state`, or out of `from`.');
        whole = false;
        continue;
      }
      const value: Operand = operand ?? { value: { kind: 'static', value: constantOf(init) ?? 0 }, span: at };
      const id = this.stateValue(declaration, value);
      if (id === undefined) {
        whole = false;
        continue;
      }
      const scalar = machine.shape(id).length === 0;
      const home = sections.home(id);
      if (home === undefined) starts.set(name, sequences.initial(id, shape, at));
      else if (sequences.timeOf(home) !== undefined) {
        const message = `the state \`${name}\` of \`${instance.name}\` starts from a sequence, and it starts once`;
        const fix =
          "Give it one value: `first(x)`, `mean(x, 'T')`, or another layer's `final`; `from` is what gives every step its states.";
        machine.report('SPEC-TIMES', value.span, message, fix);
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
}
