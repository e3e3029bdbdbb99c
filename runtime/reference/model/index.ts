/** The reference of a model: its run over whole sequences, eagerly on one tape, then one walk back. */

import type { LayerDeclaration, ModelTree, Signature, Sizes, TensorDeclaration } from '../../../codegen/frontend/tree.js';
import {
  type CellData,
  type CellResult,
  elements,
  expectedShapes,
  requireAllSymbols,
  reversedModel,
  sizeOf,
  type Tensor,
} from '../../data.js';
import { lengthsByAxis } from '../../lengths.js';
import { checkLengths, checkSeed, nothing, widened, widenedParams, zero } from '../arguments.js';
import { axesOf } from '../context.js';
import { Draws } from '../draws.js';
import { Interpreter } from '../interpret.js';
import { isNamespace, type Layer, type Namespace, namespace, type Operand, toValue } from '../operand.js';
import { entry, type Recurrence, spreadGates } from '../recurrence.js';
import { gather, scatter } from '../rows.js';
import { cotangentsOf } from '../sequence.js';
import { count, type Tape, Value } from '../tape.js';
import { TimeAxis } from './axis.js';
import { Feedback } from './feedback.js';
import { RunHost } from './host.js';
import { cellSizes, layerOf, type Surroundings } from './layer.js';
import { Timing } from './timing.js';

/** Runs a model: see `runReference`. */
export function runModel(tree: ModelTree, signature: Signature, sizes: Sizes, data: CellData, tape: Tape): CellResult {
  const run = new ModelRun(tree, signature, sizes, data, tape);
  run.forward();
  const results = { outputs: run.collectOutputs(), state: run.collectFinalState() };
  if (!data.cotangents) return results;
  run.backward(data.cotangents);
  return { ...results, gradients: run.collectGradients() };
}

class ModelRun {
  private readonly times: ReadonlyMap<string, TimeAxis>;
  private readonly timing: Timing;
  private readonly inputs: ReadonlyMap<string, Value>;
  private readonly params: ReadonlyMap<string, Value>;
  private readonly recurrences: Recurrence[] = [];
  private readonly random: Draws;
  private readonly feedback: Feedback;
  private outputs: ReadonlyMap<string, Value> = new Map();
  private finals: ReadonlyMap<string, Value> = new Map();

  constructor(
    private readonly tree: ModelTree,
    private readonly signature: Signature,
    private readonly sizes: Sizes,
    data: CellData,
    private readonly tape: Tape,
  ) {
    if (data.reverse) throw reversedModel(tree.name);
    const B = sizeOf(sizes, 'B');
    this.timing = new Timing(tape, B);
    const names = tree.times.map(({ name }) => name);
    const lengths = lengthsByAxis(data.lengths, names);
    this.times = new Map(
      names.map((name) => {
        const T = sizeOf(sizes, name);
        return [name, new TimeAxis(name, T, checkLengths(lengths[name], T, B))];
      }),
    );
    const tracked = data.cotangents !== undefined;
    requireAllSymbols(signature, sizes, data);
    const inputs = widened('inputs', data.inputs, expectedShapes(signature, sizes).inputs, nothing);
    this.feedback = new Feedback(tree, signature, sizes, data, this.times, tape, this.timing);
    this.inputs = new Map(
      signature.inputs.map((declaration) => {
        const axis = this.axisOf(declaration);
        const axes = axesOf(sizes, declaration.shape);
        const numbers = entry(inputs, declaration.name);
        const rows = axis === undefined ? numbers : gather(numbers, axis.places, count(axes));
        const value = new Value(axis === undefined ? B : axis.places.length, axes, rows, tracked);
        return [declaration.name, this.timing.mark(value, axis)];
      }),
    );
    const params = widenedParams(signature, data.params, sizes);
    const leaf = (name: string, { shape, trainable }: TensorDeclaration, at: Sizes): [string, Value] => {
      return [name, new Value(1, axesOf(at, shape), entry(params, name), tracked && trainable)];
    };
    const ofLayers = this.instances.flatMap((instance) => {
      const at = cellSizes(instance, sizes);
      return instance.signature.params.map((declaration) => leaf(`${instance.name}.${declaration.name}`, declaration, at));
    });
    const layered = new Map(ofLayers);
    this.params = new Map(
      signature.params.map((declaration) => {
        const { name } = declaration;
        const known = layered.get(name);
        return known === undefined ? leaf(name, declaration, sizes) : [name, known];
      }),
    );
    const seed = checkSeed(data.seed);
    this.random = new Draws(seed, signature.options.training === true);
  }

  private get instances() {
    return this.signature.layers ?? [];
  }

  /** The time axis of an input; `undefined` for one without time. */
  private axisOf({ leading = ['T', 'B'] }: TensorDeclaration): TimeAxis | undefined {
    const [first = 'B'] = leading;
    return first === 'B' ? undefined : entry(this.times, first);
  }

  /** Whether an output is one number for all sequences. */
  private isTotal(output: string): boolean {
    return this.signature.outputAxes?.[output]?.length === 0;
  }

  forward(): void {
    const { tape, sizes, timing, random, recurrences, times } = this;
    const host = new RunHost({ tape, sizes, timing, random, times, batch: sizeOf(sizes, 'B') });
    const layers = this.layers({ tape, sizes, timing, random, recurrences });
    const options = namespace(Object.entries(this.signature.options));
    for (let pass = 0; pass < this.feedback.passes; pass++) {
      random.restart(0);
      const context = namespace([
        ['options', options],
        ['state', namespace(this.feedback.given())],
      ]);
      const args = [namespace(this.inputs), layers, namespace(this.params), context];
      const returned = new Interpreter(this.tree.helpers, host).call(this.tree.run, args);
      if (!isNamespace(returned)) throw new Error('run returned no object');
      const { members } = returned;
      this.feedback.take((name) => toValue(members.get(name)));
      const names = this.signature.outputs ?? [...members.keys()];
      this.outputs = new Map(
        names.map((name) => {
          const value = toValue(members.get(name));
          if (this.isTotal(name)) return [name, value];
          return [name, timing.full(value, timing.axisOf([value]))];
        }),
      );
    }
    this.finals = this.feedback.finals();
  }

  /** Layers by name; a repeated one is an array of them, one that these options leave out is missing. */
  private layers(surroundings: Surroundings): Namespace {
    const built = new Map<string, Layer>();
    for (const instance of this.instances) {
      const names = instance.signature.params.map(({ name }) => name);
      const params = new Map(names.map((name) => [name, entry(this.params, `${instance.name}.${name}`)]));
      built.set(
        instance.name,
        layerOf(instance, entry(new Map(Object.entries(this.tree.cells)), instance.cell), params, surroundings),
      );
    }
    const operandOf = ({ name, count: repeats }: LayerDeclaration): Operand | undefined => {
      if (repeats === undefined) return built.get(name);
      return [...built].filter(([instance]) => instance.startsWith(`${name}.`)).map(([, layer]) => layer);
    };
    const present = this.tree.layers.flatMap((declaration): [string, Operand][] => {
      const operand = operandOf(declaration);
      return operand === undefined ? [] : [[declaration.name, operand]];
    });
    return namespace(present);
  }

  /** Adds the cotangents to the outputs, and walks the tape back. */
  backward(cotangents: NonNullable<CellData['cotangents']>): void {
    const shapes = Object.fromEntries(Object.entries(this.collectOutputs()).map(([name, { shape }]) => [name, shape]));
    const given = widened('cotangents.outputs', cotangents.outputs, shapes, zero);
    const finalShapes = Object.fromEntries(Object.entries(this.collectFinalState()).map(([name, { shape }]) => [name, shape]));
    const atEnd = widened('cotangents.state', cotangents.state, finalShapes, zero);
    for (const [name, value] of this.finals) value.add(entry(atEnd, name));
    for (const [name, value] of this.outputs) {
      const axis = this.timing.axisOf([value]);
      const numbers = entry(given, name);
      value.add(axis === undefined ? numbers : gather(numbers, axis.places, value.columns));
    }
    spreadGates(this.tape, this.recurrences);
    this.tape.backward();
  }

  collectOutputs(): Record<string, Tensor> {
    return Object.fromEntries(
      [...this.outputs].map(([name, value]) => {
        return [name, this.isTotal(name) ? { shape: [], data: value.data } : this.tensor(value, value.data)];
      }),
    );
  }

  collectFinalState(): Record<string, Tensor> {
    return Object.fromEntries([...this.finals].map(([name, value]) => [name, this.tensor(value, value.data)]));
  }

  collectGradients(): NonNullable<CellResult['gradients']> {
    const shapes = expectedShapes(this.signature, this.sizes);
    return {
      inputs: Object.fromEntries([...this.inputs].map(([name, value]) => [name, this.tensor(value, value.cotangent())])),
      state: this.feedback.gradients(),
      params: cotangentsOf(this.params, shapes.params),
    };
  }

  /** Numbers of the rows of a value as `[T, B, …]` or `[B, …]`, zero behind a sequence's length. */
  private tensor(value: Value, numbers: Float64Array): Tensor {
    const axis = this.timing.axisOf([value]);
    const shape = [sizeOf(this.sizes, 'B'), ...value.axes.map(({ size }) => size)];
    if (axis === undefined) return { shape, data: numbers };
    const whole = [axis.size, ...shape];
    const data = new Float64Array(elements(whole));
    scatter(data, numbers, axis.places, value.columns);
    return { shape: whole, data };
  }
}
