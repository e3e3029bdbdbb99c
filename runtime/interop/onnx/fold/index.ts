/**
 * Computes what follows from a file's own values: exporters leave weights behind operators on constants. Each node is
 * computed at most once, whatever depends on it; chains are walked with a stack of our own, as long as they may be.
 */
import { RecurveError } from '../../../../codegen/errors.js';
import { type Constant, formOf, type Workspace } from '../constant.js';
import { onnxError } from '../errors.js';
import type { ReadExternal } from '../external.js';
import type { Definition, Scope, Source } from '../scope.js';
import { decodeTensor } from '../tensor.js';
import { isOnnxDomain } from '../walk.js';
import * as arithmetic from './arithmetic.js';
import { constant, constantOfShape, fillValue, range } from './making.js';
import type { Operator } from './operator.js';
import { dequantizeLinear, quantizeLinear } from './quantization.js';
import { concat, gather, slice, split, where } from './selecting.js';
import { expand, flatten, identity, reshape, shape, size, squeeze, tile, transpose, unsqueeze } from './shaping.js';

export type Outcome =
  | { readonly kind: 'constant'; readonly value: Constant }
  /** Of a shape that only a run knows, and one value throughout. */
  | { readonly kind: 'uniform'; readonly fill: number }
  /** Of a shape that only a run knows, axes of size 1 repeated. */
  | { readonly kind: 'repeated'; readonly value: Constant }
  /** Known only when the model runs; `by` completes "it is …". */
  | { readonly kind: 'runtime'; readonly by: string }
  /** What the file says cannot be. */
  | { readonly kind: 'wrong'; readonly error: RecurveError };

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Range', range],
  ['Identity', identity],
  ['Reshape', reshape],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Flatten', flatten],
  ['Transpose', transpose],
  ['Expand', expand],
  ['Tile', tile],
  ['Shape', shape],
  ['Size', size],
  ['Slice', slice],
  ['Concat', concat],
  ['Split', split],
  ['Gather', gather],
  ['Where', where],
  ['Cast', arithmetic.cast],
  ['CastLike', arithmetic.castLike],
  ['Add', arithmetic.add],
  ['Sub', arithmetic.sub],
  ['Mul', arithmetic.mul],
  ['Div', arithmetic.div],
  ['Neg', arithmetic.neg],
  ['Sqrt', arithmetic.sqrt],
  ['Equal', arithmetic.equal],
  ['Less', arithmetic.less],
  ['Greater', arithmetic.greater],
  ['LessOrEqual', arithmetic.lessOrEqual],
  ['GreaterOrEqual', arithmetic.greaterOrEqual],
  ['And', arithmetic.and],
  ['Or', arithmetic.or],
  ['Not', arithmetic.not],
  ['DequantizeLinear', dequantizeLinear],
  ['QuantizeLinear', quantizeLinear],
]);

/** They only move and repeat the elements of their first input, or of all. */
const MOVES_FIRST = new Set([
  'Identity',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Transpose',
  'Expand',
  'Tile',
  'Slice',
  'Split',
  'Gather',
]);
const MOVES_ALL = new Set(['Concat']);

/** Steps of one node's computation: what it still needs, and in the end what its outputs are. */
type Work = Generator<Definition, readonly Outcome[]>;

export class Folder {
  readonly #workspace: Workspace;
  readonly #readExternal: ReadExternal;
  readonly #done = new Map<Source, readonly Outcome[]>();
  readonly #tensors = new Map<Definition, Outcome>();

  constructor(workspace: Workspace, readExternal: ReadExternal) {
    this.#workspace = workspace;
    this.#readExternal = readExternal;
  }

  /** What a name stands for; `undefined` for an optional input that is left out. */
  outcomeOf(scope: Scope, name: string): Outcome | undefined {
    const definition = scope.find(name);
    if (definition === undefined) return undefined;
    if (definition.kind === 'output') this.#run(definition.source);
    return this.#known(definition);
  }

  #run(target: Source): void {
    const stack = [{ source: target, work: this.#evaluate(target) }];
    const open = new Set([target]);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (this.#done.has(top.source)) {
        stack.pop();
        continue;
      }
      const { done, value } = top.work.next();
      if (done) {
        this.#done.set(top.source, value);
        open.delete(top.source);
        stack.pop();
      } else if (value.kind === 'output' && !this.#done.has(value.source) && !open.has(value.source)) {
        open.add(value.source);
        stack.push({ source: value.source, work: this.#evaluate(value.source) });
      }
    }
  }

  /** Of what has been computed; a node that is still open depends on itself. */
  #known(definition: Exclude<Definition, { kind: 'alias' }>): Outcome {
    if (definition.kind === 'runtime') return { kind: 'runtime', by: definition.by() };
    if (definition.kind === 'output') {
      const outputs = this.#done.get(definition.source);
      if (!outputs) return { kind: 'runtime', by: `computed by ${definition.source.label}, which needs its own result` };
      return outputs[definition.index] ?? { kind: 'wrong', error: noOutput(definition.source, definition.index) };
    }
    const found = this.#tensors.get(definition);
    if (found) return found;
    const outcome = attempt(() => [constantOutcome(decodeTensor(definition.tensor, 'a tensor', this.#readExternal))])[0];
    if (!outcome) throw new Error('a tensor has an outcome');
    this.#tensors.set(definition, outcome);
    return outcome;
  }

  *#value(scope: Scope, name: string): Generator<Definition, Outcome | undefined> {
    const definition = scope.find(name);
    if (definition === undefined) return undefined;
    yield definition;
    return this.#known(definition);
  }

  *#evaluate(source: Source): Work {
    const { proto, scope } = source;
    const call = scope.calls.get(proto);
    if (call) return yield* this.#outputs(call.scope, call.definition.output);
    const runtime = (why: string): readonly Outcome[] => {
      const by = `computed at run time by ${source.label}${why}`;
      return proto.output.map(() => ({ kind: 'runtime', by }));
    };
    if (!isOnnxDomain(proto.domain)) return runtime('');
    if (proto.opType === 'If') return yield* this.#chosen(source, runtime);
    const operator = OPERATORS.get(proto.opType);
    if (!operator) return runtime('');
    const inputs: (Outcome | undefined)[] = [];
    for (const name of proto.input) inputs.push(yield* this.#value(scope, name));
    const wrong = inputs.find((outcome) => outcome?.kind === 'wrong');
    if (wrong) return proto.output.map(() => wrong);
    const constants = inputs.map((outcome) => (outcome?.kind === 'constant' ? outcome.value : undefined));
    const context = { node: source, workspace: this.#workspace, readExternal: this.#readExternal };
    if (inputs.every((outcome) => outcome === undefined || outcome.kind === 'constant')) {
      return attempt(() => operator({ ...context, inputs: constants }).map(constantOutcome), proto.output.length);
    }
    if (proto.opType === 'ConstantOfShape') return attempt(() => [{ kind: 'uniform', fill: fillValue(context).value }]);
    const fill = uniformFill(proto.opType, inputs);
    if (fill !== undefined) return proto.output.map(() => ({ kind: 'uniform', fill }));
    const [first] = constants;
    if (proto.opType === 'Expand' && first) return proto.output.map(() => ({ kind: 'repeated', value: first }));
    const blamed = inputs.find((outcome) => outcome?.kind === 'runtime');
    return runtime(blamed?.kind === 'runtime' ? `: an input of it is ${blamed.by}`.slice(0, 300) : '');
  }

  *#outputs(scope: Scope, names: readonly string[]): Work {
    const outcomes: Outcome[] = [];
    for (const name of names) {
      outcomes.push((yield* this.#value(scope, name)) ?? { kind: 'runtime', by: 'an output without a name' });
    }
    return outcomes;
  }

  /** The outputs of the branch that a constant condition takes. */
  *#chosen(source: Source, runtime: (why: string) => readonly Outcome[]): Work {
    const test = yield* this.#value(source.scope, source.proto.input[0] ?? '');
    if (test?.kind === 'wrong') return source.proto.output.map(() => test);
    if (test?.kind !== 'constant') return runtime(', whose condition is known only then');
    if (test.value.data.length !== 1) return runtime(', whose condition is not one value');
    const taken = test.value.data[0] ? 'then_branch' : 'else_branch';
    const graph = source.proto.attribute.find(({ name }) => name === taken)?.g;
    const inner = graph && source.scope.bodies.get(graph);
    if (!graph || !inner) return runtime(`, which has no ${taken}`);
    return yield* this.#outputs(
      inner,
      graph.output.map(({ name }) => name),
    );
  }
}

function constantOutcome(value: Constant): Outcome {
  return { kind: 'constant', value };
}

/** The one value that everything has which such an operator moves. */
function uniformFill(opType: string, inputs: readonly (Outcome | undefined)[]): number | undefined {
  const moved = MOVES_ALL.has(opType) ? inputs : MOVES_FIRST.has(opType) ? inputs.slice(0, 1) : [];
  const each = moved.map(fillOf);
  return each.every((fill) => fill === each[0]) ? each[0] : undefined;
}

/** What each constant is filled with, looked at once: many nodes may move the same. */
const fills = new WeakMap<Constant, number | undefined>();

function fillOf(outcome: Outcome | undefined): number | undefined {
  if (outcome?.kind === 'uniform') return outcome.fill;
  if (outcome?.kind !== 'constant' || formOf(outcome.value.type).kind !== 'float') return undefined;
  const { value } = outcome;
  if (!fills.has(value)) fills.set(value, value.data.every((element) => element === value.data[0]) ? value.data[0] : undefined);
  return fills.get(value);
}

function attempt(action: () => readonly Outcome[], outputs = 1): readonly Outcome[] {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    return Array.from({ length: outputs }, () => ({ kind: 'wrong', error }));
  }
}

function noOutput(source: Source, index: number): RecurveError {
  return onnxError('ONNX-WEIGHTS', `${source.label} has no output ${index}`, source.label);
}
