/**
 * What a loss, or a draw, is given by mistake and would compute with: a probability in the place of a logit, which goes through
 * softmax or sigmoid a second time and trains badly without a word, and a scale that nothing can be divided by.
 */
import { isApply, isExpand, isReduce, type NodeId } from '../../ir/graph.js';
import type { Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';

/** Reports probabilities where `operation` takes logits. @returns whether it did */
export function reportedProbabilities(machine: Machine, operation: string, { value, span }: Operand): boolean {
  if (value.kind !== 'node') return false;
  const maker = probabilityOf(machine, value.id);
  if (maker === undefined) return false;
  const message = `\`${operation}\` takes logits, and this is a probability: what \`${maker}\` gives`;
  const fix = `Give it what \`${maker}\` was given: the loss contains \`${maker}\`, in a form that neither overflows nor loses its slope.`;
  machine.report('SPEC-LOGITS', span, message, fix);
  return true;
}

/** Reports a number, or the `init` of a parameter, that is not above 0. @returns whether it did */
export function reportedNotPositive(machine: Machine, what: string, { value, span }: Operand): boolean {
  const isParam = value.kind === 'declared' && value.group === 'params';
  const given = value.kind === 'static' ? value.value : isParam ? value.declaration.init : undefined;
  if (typeof given !== 'number' || given > 0) return false;
  const found = isParam ? `the \`init\` of \`${value.declaration.name}\` is ${given}` : `this is ${given}`;
  machine.report('SPEC-POSITIVE', span, `${what} is above 0, and ${found}`, `Write a number above 0, such as 1.`);
  return true;
}

/** The arguments of losses that are written in the language, where they are called. */
export function reportedLossArguments(machine: Machine, helper: string, [first, , third]: readonly Operand[]): boolean {
  if (helper === 'binaryCrossEntropy') return first !== undefined && reportedProbabilities(machine, helper, first);
  if (helper === 'huber') return third !== undefined && reportedNotPositive(machine, 'the `delta` of `huber`', third);
  return false;
}

function probabilityOf({ builder }: Machine, id: NodeId): 'sigmoid' | 'softmax' | undefined {
  const node = builder.node(id);
  if (!isApply(node)) return undefined;
  if (node.op === 'sigmoid') return 'sigmoid';
  const [powers, divisor] = node.args;
  if (node.op !== 'div' || powers === undefined || divisor === undefined || builder.node(powers).op !== 'exp') return undefined;
  const spread = builder.node(divisor);
  const sum = isExpand(spread) ? builder.node(spread.arg) : spread;
  return isReduce(sum) && sum.kind === 'sum' && sum.arg === powers ? 'softmax' : undefined;
}
