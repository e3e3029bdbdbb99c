/** From a model's tree to its sections: `run` is evaluated once, with values that may be sequences. */
import type { ModelGraph } from '../../ir/model.js';
import { Diagnostics } from '../diagnostics/diagnostics.js';
import { Recovery } from '../diagnostics/recovery.js';
import { badName } from '../language/vocabulary.js';
import { groupValue, type LowerContext } from '../lower/lower.js';
import { callFunctionTree, callHelper, type Returned } from '../lower/run.js';
import { optionsValue } from '../lower/signature.js';
import { Machine, TooLarge } from '../machine/machine.js';
import { describe, type Value } from '../machine/values.js';
import type { ModelTree, OptionValues, Signature } from '../tree.js';
import { type Output, Sections } from './sections.js';
import { RunSequences } from './sequences.js';
import { type ModelSignature, modelSignatureWith } from './signature.js';

export interface LoweredModel {
  readonly signature: Signature;
  readonly graph: ModelGraph;
}

/**
 * A model under the given options (all of them, see `resolveOptions`).
 * @throws SpecError with every mistake of the declarations and of `run` under these options
 */
export function lowerModel(tree: ModelTree, options: OptionValues): LoweredModel {
  const diagnostics = new Diagnostics(tree.sources);
  const recovery = new Recovery();
  const { report } = diagnostics;
  const resolved = modelSignatureWith(tree, options, recovery, report, '');
  const lowered = lowerModelWith(tree, resolved, { recovery, bad: resolved.bad, report, note: '' });
  diagnostics.throwIfAny();
  if (lowered.model === undefined) throw new Error(`${tree.file} gave neither sections nor a mistake`);
  return lowered.model;
}

export interface LoweredModelWith {
  /** `undefined` after a mistake. */
  readonly model: LoweredModel | undefined;
  readonly used: ReadonlySet<string>;
  readonly dims: ReadonlySet<string>;
  readonly tooLarge: boolean;
  readonly evaluations: number;
}

export function lowerModelWith(tree: ModelTree, resolved: ModelSignature, context: LowerContext): LoweredModelWith {
  const { recovery, report, note } = context;
  const machine = new Machine(tree, resolved.signature.options, recovery, report, note, callHelper);
  const result = (model: LoweredModel | undefined, tooLarge: boolean): LoweredModelWith => {
    return { model, used: machine.used, dims: machine.dims, tooLarge, evaluations: machine.evaluations };
  };
  if (recovery.stepOpen) return result(undefined, false);
  try {
    return result(lowerRun(machine, tree, resolved, context), false);
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    return result(undefined, true);
  }
}

function lowerRun(
  machine: Machine,
  tree: ModelTree,
  { signature, layers }: ModelSignature,
  { bad, recovery }: LowerContext,
): LoweredModel | undefined {
  const sections = new Sections(machine.common);
  // What is made of constants and parameters alone, and states start from.
  sections.add(undefined);
  const sequences = new RunSequences(machine, tree, sections);
  machine.sequences = sequences;
  const declared = groupValue(machine, { ...tree, state: tree.params }, signature, 'inputs', bad);
  const inputs = new Map([...(declared.kind === 'object' ? declared.members : []), ...sequences.inputs(signature.inputs)]);
  const object = (title: string, members: ReadonlyMap<string, Value>, open: boolean): Value => ({
    kind: 'object',
    title,
    members,
    open,
  });
  const fed = sequences.states(signature.state, tree);
  const past = groupValue(machine, tree, signature, 'state', bad);
  const args: Value[] = [
    object('input', inputs, recovery.isOpen(tree.inputs)),
    object('layer', layers.values, recovery.layersOpen),
    groupValue(machine, { ...tree, state: tree.params }, signature, 'params', bad),
    object(
      'member of the context',
      new Map<string, Value>([
        ['options', optionsValue(tree, signature.options, recovery)],
        ['state', { ...past, members: new Map([...past.members, ...fed.values]) }],
      ]),
      false,
    ),
  ];
  const returned = callFunctionTree(machine, tree.run, args);
  const outputs = outputsOf(machine, sections, sequences, returned);
  const closed = fed.close(returned);
  if (outputs === undefined || !closed || bad.size > 0) return undefined;
  const { rules } = machine;
  const used = new Set([...signature.dims, ...machine.dims]);
  return {
    graph: sections.finish(outputs, rules),
    signature: {
      ...signature,
      dims: tree.dims.map(({ name }) => name).filter((name) => used.has(name)),
      rules,
      rates: [...machine.rates],
      outputs: [...outputs.keys()],
      outputAxes: Object.fromEntries(
        [...outputs].flatMap(
          ([
            name,
            {
              kind,
              section: { time },
            },
          ]) => {
            if (kind === 'total') return [[name, []]];
            return time === 'T' ? [] : [[name, time === undefined ? ['B'] : [time, 'B']]];
          },
        ),
      ),
    },
  };
}

/** What `run` returns, each an output of a section in the order of time; `undefined` after a mistake. */
function outputsOf(
  machine: Machine,
  sections: Sections,
  sequences: RunSequences,
  { value, span }: Returned,
): Map<string, Output> | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind !== 'object') {
    const message = `\`run\` returns ${describe(value, machine.builder)}, not an object`;
    machine.report('SPEC-RETURN', span, message, 'Write `return { y: … };`.');
    return undefined;
  }
  if (value.members.size === 0) {
    machine.report('SPEC-RETURN', span, '`run` returns nothing', 'Write `return { y: … };` with what a caller wants.');
    return undefined;
  }
  const outputs = new Map<string, Output>();
  for (const [name, member] of value.members) {
    const at = value.places?.get(name) ?? span;
    const bad = badName(name);
    if (bad !== undefined) machine.report('SPEC-NAME', at, `an output cannot be called \`${name}\`: ${bad}`, 'Rename it.');
    const kind = member.kind === 'total' ? 'total' : 'each';
    const id = member.kind === 'total' ? member.id : machine.number(member, at);
    if (id === undefined) continue;
    const home = sections.home(id);
    if (home === undefined) {
      const message = `the output \`${name}\` is the same for all sequences: it is made of parameters and constants`;
      machine.report('SPEC-OUTPUT-SHAPE', at, message, 'Leave it out, or make it of an input.');
      continue;
    }
    const own = home.kind === 'section' && home.section.open ? home.section : sections.target(sequences.timeOf(home), [home]);
    outputs.set(name, { kind, section: own, name: sections.output(own, sections.take(own, id, at)) });
  }
  return outputs.size === value.members.size ? outputs : undefined;
}
