/** A layer of a model: a cell over sequences, whose axes have the names of the cell's dims inside and of the model's outside. */
import type { CellTree, LayerInstance, Sizes, TensorDeclaration } from '../../../codegen/frontend/tree.js';
import { sizeOf } from '../../data.js';
import { initialState } from '../arguments.js';
import { axesOf } from '../context.js';
import type { Draws } from '../draws.js';
import { describe, isNamespace, type Layer, namespace, type Operand, toValue } from '../operand.js';
import { entry, Recurrence, type Step } from '../recurrence.js';
import { type Axis, constant, type Tape, type Value } from '../tape.js';
import { alias, assemble, type Piece, stretchTo, takeRows } from '../tensor.js';
import type { TimeAxis } from './axis.js';
import type { Timing } from './timing.js';

/** What the layers of one run share. */
export interface Surroundings {
  readonly tape: Tape;
  /** Sizes of the model's dims. */
  readonly sizes: Sizes;
  readonly timing: Timing;
  readonly random: Draws;
  /** Every call of a layer adds its own. */
  readonly recurrences: Recurrence[];
}

/** The sizes of a cell's dims where it is a layer. */
export function cellSizes({ dims }: LayerInstance, sizes: Sizes): Sizes {
  return { ...sizes, ...Object.fromEntries(Object.entries(dims).map(([dim, outside]) => [dim, sizeOf(sizes, outside)])) };
}

/** @param params the layer's own, by the names that the cell has for them, over the cell's dims */
export function layerOf(
  instance: LayerInstance,
  tree: CellTree,
  params: ReadonlyMap<string, Value>,
  surroundings: Surroundings,
): Layer {
  const { signature, dims } = instance;
  const { tape, timing } = surroundings;
  const sizes = cellSizes(instance, surroundings.sizes);
  const outside = (axes: readonly Axis[]) => axes.map(({ dim, size }) => ({ dim: dims[dim] ?? dim, size }));
  /** One row for every step or sequence, under the cell's names for the axes. */
  const inside = (operand: Operand, { shape }: TensorDeclaration, axis: TimeAxis | undefined): Value => {
    const axes = axesOf(sizes, shape);
    const value = toValue(operand);
    const stretched = timing.mark(stretchTo(tape, value, value.rows, outside(axes)), timing.axisOf([value]));
    return alias(tape, timing.full(stretched, axis), axes);
  };

  const run = ([given, settings]: readonly Operand[]): Operand => {
    const sequences = membersOf(given);
    const options = settings === undefined ? new Map<string, Operand>() : membersOf(settings);
    const from = options.has('from') ? membersOf(options.get('from')) : new Map<string, Operand>();
    const axis = timing.axisOf([...sequences.values(), ...from.values()]);
    if (axis === undefined) throw new Error(`${instance.name} is given no sequence`);
    const states = options.has('state') ? membersOf(options.get('state')) : new Map<string, Operand>();
    if (timing.axisOf(states.values()) !== undefined) throw new Error(`${instance.name} is given a sequence as a state`);

    const inputs = new Map(
      signature.inputs.map((declaration) => [declaration.name, inside(entry(sequences, declaration.name), declaration, axis)]),
    );
    const handed = new Map(
      signature.state.flatMap((declaration) => {
        const operand = from.get(declaration.name);
        return operand === undefined ? [] : [[declaration.name, inside(operand, declaration, axis)]];
      }),
    );
    const own = signature.state.filter(({ name }) => !handed.has(name));
    const initial = new Map(
      own.map((declaration) => {
        const start = states.get(declaration.name) ?? constant(Math.fround(initialState(declaration)));
        return [declaration.name, inside(start, declaration, undefined)];
      }),
    );
    const at = (values: ReadonlyMap<string, Value>) => (places: readonly number[]) => {
      const rows = places.map((place) => axis.rowAt(place));
      return new Map([...values].map(([name, value]) => [name, takeRows(tape, value, rows)]));
    };
    const recurrence = new Recurrence({
      tree,
      signature,
      sizes,
      tape,
      lengths: axis.lengths,
      reverse: options.get('reverse') === true,
      inputsAt: at(inputs),
      statesAt: at(handed),
      initial,
      params,
      random: surroundings.random,
    });
    recurrence.forward();
    surroundings.recurrences.push(recurrence);

    const { steps } = recurrence;
    // Cotangents of outputs arrive before those of final states: the order in which a cell alone adds them.
    const final = [...initial].map(([name, value]) => [name, finalOf(name, value, steps, axis)] as const);
    const any = recurrence.anyStep();
    const gathered = (group: 'outputs' | 'next') =>
      [...any[group]].map(([name, { axes }]) => {
        const pieces = steps.map((step): Piece => {
          const value = entry(step[group], name);
          return { value, rows: step.sequences.map((_, row) => row), to: step.places.map((place) => axis.rowAt(place)) };
        });
        return [name, timing.mark(assemble(tape, axis.sequences.length, outside(axes), pieces), axis)] as const;
      });
    const outputs = gathered('outputs');
    return namespace([['state', namespace(gathered('next'))], ...outputs, ['final', namespace(final)]]);
  };

  const finalOf = (name: string, initial: Value, steps: readonly Step[], { lengths }: TimeAxis): Value => {
    const pieceOf = (value: Value, sequences: readonly number[], length: number): Piece => {
      const rows = [...sequences.keys()].filter((row) => lengths[sequences[row] as number] === length);
      return { value, rows, to: rows.map((row) => sequences[row] as number) };
    };
    const pieces = steps.map(({ next, sequences }, s) => pieceOf(entry(next, name), sequences, s + 1));
    return assemble(tape, lengths.length, outside(initial.axes), [pieceOf(initial, [...lengths.keys()], 0), ...pieces]);
  };

  return { run };
}

function membersOf(operand: Operand | undefined): ReadonlyMap<string, Operand> {
  if (!isNamespace(operand)) throw new Error(`expected an object, found ${describe(operand)}`);
  return operand.members;
}
