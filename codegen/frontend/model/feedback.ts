/** A model's states: what each step of a time axis is given by the one before, and what `run` returns for the next. */
import type { NodeId } from '../../ir/graph.js';
import { nextStates } from '../lower/lower.js';
import type { Returned } from '../lower/run.js';
import type { Machine } from '../machine/machine.js';
import type { Value } from '../machine/values.js';
import type { ModelTree, Span, TensorDeclaration } from '../tree.js';
import type { Section, Sections } from './sections.js';

interface Fed {
  readonly declaration: TensorDeclaration;
  readonly section: Section;
  /** What the section calls it. */
  readonly name: string;
}

export class Feedback {
  /** By name, what the step before has returned. */
  readonly values = new Map<string, Value>();
  private readonly fed: Fed[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly sections: Sections,
    declarations: readonly TensorDeclaration[],
    tree: ModelTree,
  ) {
    const loops = new Map<string, Section>();
    for (const declaration of declarations) {
      const { name, shape, symbols, span } = declaration;
      const time = tree.state.entries.find((entry) => entry.name === name)?.time?.name ?? 'T';
      const section = loops.get(time) ?? sections.add(time, { feedsBack: true });
      loops.set(time, section);
      const state = sections.state(section, name, shape, { kind: 'host', name }, span);
      this.fed.push({ declaration, section, name: state.name });
      if (symbols !== undefined) machine.common.vocabularies.declare(state.id, symbols);
      this.values.set(name, { kind: 'node', id: state.id });
    }
  }

  /** Gives each state its next value; whether all of them have one. */
  close({ value, span }: Returned): boolean {
    if (value.kind !== 'object') return this.fed.length === 0;
    const state = this.fed.map(({ declaration }) => declaration);
    const names = state.map(({ name }) => name);
    const extras = [...value.members.keys()].filter((name) => !names.includes(name));
    const place = (name: string): Span => value.places?.get(name) ?? span;
    const next = nextStates(this.machine, 'run', { state }, value.members, extras, place, span);
    for (const { declaration, section, name } of this.fed) {
      const id = next.get(declaration.name);
      const taken = id === undefined ? undefined : this.taken(section, declaration.name, id, place(declaration.name));
      if (taken === undefined) return false;
      section.next[name] = taken;
    }
    return true;
  }

  /** The value in the section that the state is handed on in; `undefined`, and reported, where it cannot be. */
  private taken(section: Section, name: string, id: NodeId, at: Span): NodeId | undefined {
    const { machine, sections } = this;
    const home = sections.home(id);
    const own = home?.kind === 'section' && home.section === section;
    if (home === undefined || own || sections.mayTake(section, home)) return sections.take(section, id, at);
    const message = `the next value of the state \`${name}\` is made of whole sequences of what it itself is fed back into`;
    const fix =
      'Make it of this step and of those before it: of layers that run forward, without `shift`, and without sums over time.';
    machine.report('SPEC-FEEDBACK', at, message, fix);
    return undefined;
  }
}
