/**
 * The parameters' gradients, outside the loop: a matrix's is one product over all T·B rows, that of a parameter used
 * per unit a sum over them. Fixed order of summation, no atomics: the same bits every run.
 */

import type { TensorDeclaration } from '../frontend/tree.js';
import type { GraphBuilder } from '../ir/builder.js';
import type { MatrixRef, NodeId, Shape } from '../ir/graph.js';
import type { GradientTerm } from '../passes/adjoint.js';
import type { RetimedAdjoint } from '../passes/retime.js';
import { inChunks } from './chunks.js';
import { isWhole } from './matrices.js';
import { type Merging, merge } from './merge.js';
import { type Operand, throughWindows, viewOf } from './operands.js';
import type { GatherForm, Onto, Order, OuterForm, OuterProduct, Pass, Sum } from './passes.js';
import { cutIntoPhases } from './phases.js';
import { type Access, type Place, type Store, widthOf } from './places.js';
import type { Storage } from './storage.js';

/** Trained parameters by what a section does with their gradients. */
export type SectionParams = Readonly<Record<Onto, readonly TensorDeclaration[]>>;

interface GradientRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly merging: Merging;
  readonly params: SectionParams;
  readonly terms: RetimedAdjoint['params'];
  readonly read: (id: NodeId) => Access | undefined;
}

/** What the names of passes that add say. */
const ONTO: Readonly<Record<Onto, string>> = { nothing: '', former: 'more_' };

type OuterGradient = Extract<GradientTerm, { kind: 'outer' }>;

export function gradientPasses(request: GradientRequest): Order[] {
  const onto: readonly Onto[] = ['nothing', 'former'];
  return onto
    .filter((each) => request.params[each].length > 0)
    .flatMap((each) => [...outerPasses(request, each), ...sumPasses(request, each)])
    .flatMap((pass) => inChunks(pass, request.storage.target))
    .map((pass) => ({ kind: 'pass', pass }));
}

/** One pass for all matrices of one shape whose factors are seen alike. */
function outerPasses(request: GradientRequest, onto: Onto): Pass[] {
  const { storage, params, terms: given, merging } = request;
  const products: { common: OuterForm; own: OuterProduct }[] = [];
  for (const declaration of params[onto]) {
    const { name, shape } = declaration;
    if (!storage.shared.isContracted(name)) continue;
    const to = storage.shared.gradient(declaration);
    const terms = (given[name] ?? []).map((term): OuterGradient => {
      if (term.kind === 'outer') return term;
      throw new Error(`parameter ${name} is a matrix and is used per unit, too`);
    });
    for (const { matrix, terms: own } of byMatrix(storage, name, shape, terms)) {
      const { heads, rows, columns, skipped, size } = storage.matrices.parts(matrix);
      const factors = own.map((term) => [factor(request, term.left), factor(request, term.right), term] as const);
      for (let head = 0; head < heads; head++) {
        const seen = factors.map(([left, right, { gate, chosen = false }]) => {
          const own = heads > 1 ? head : undefined;
          return {
            positions: right.shape.slice(0, heads > 1 ? -2 : -1),
            gate,
            chosen,
            left: viewOf(storage, left, 'all', own),
            right: viewOf(storage, right, 'all', own),
          };
        });
        products.push({
          common: {
            rows,
            columns,
            to: to.buffer,
            terms: seen.map(({ left, right, ...form }) => ({ ...form, left: left.view, right: right.view })),
            partial: isWhole(matrix) ? undefined : matrix,
          },
          own: {
            param: name,
            head,
            to: to.base + skipped + head * size,
            terms: seen.map(({ left, right }) => ({ left: left.start, right: right.start })),
          },
        });
      }
    }
  }
  return merge(products, merging).map((merged, index) => ({
    kind: 'outer',
    name: `backward_weights_${ONTO[onto]}${index}_${merged.common.rows}_${merged.common.columns}`,
    region: 'after',
    direction: 'backward',
    products: merged,
    onto,
  }));
}

/** A parameter's terms by the matrix of it that they belong to; matrices that nothing uses get none, and zeros. */
function byMatrix(
  storage: Storage,
  param: string,
  shape: Shape,
  terms: readonly OuterGradient[],
): { matrix: MatrixRef; terms: OuterGradient[] }[] {
  const axes = terms[0]?.matrix.slice?.axes ?? Math.max(0, shape.length - 3);
  const count = storage.elements(shape.slice(0, axes));
  return Array.from({ length: count }, (_, index) => {
    const own = terms.filter(({ matrix }) => (matrix.slice?.index ?? 0) === index);
    const slice = axes === 0 ? undefined : { axes, index };
    const matrix = own[0]?.matrix ?? { param, slice, triangle: undefined, drop: undefined };
    if (own.some((term) => JSON.stringify(term.matrix) !== JSON.stringify(matrix))) {
      throw new Error(`parameter ${param} is used with different entries left out`);
    }
    return { matrix, terms: own };
  });
}

function factor({ builder, read }: GradientRequest, id: NodeId): Operand {
  const { source, windows } = throughWindows(builder, id, (value) => read(value) !== undefined);
  const access = read(source);
  if (!access) throw new Error(`factor ${id} of a weight gradient is not in memory`);
  return { access, windows, shape: builder.node(id).shape };
}

/** Whether a processor's cores each have units of such a value to sum by themselves: then there is nothing to be shared out. */
function keepsBusy(storage: Storage, shape: Shape): boolean {
  const { software, subgroup } = storage.target;
  return software && shape.length > 0 && widthOf({ extents: storage.extents(shape) }) >= 2 * subgroup;
}

function sumPasses({ builder, storage, merging, params, terms, read }: GradientRequest, onto: Onto): Pass[] {
  const rows = storage.steps * storage.size('B');
  // About as many chunks as rows in a chunk: two short sums round less than one long one.
  const chunks = Math.ceil(Math.sqrt(rows));
  const stores: Store[] = [];
  const whole: Store[] = [];
  const sums: { common: GatherForm; own: Sum }[] = [];
  for (const declaration of params[onto]) {
    const { name, shape } = declaration;
    if (storage.shared.isContracted(name)) continue;
    const to = storage.shared.gradient(declaration);
    const values = (terms[name] ?? []).flatMap((term) => (term.kind === 'sum' ? [term.value] : []));
    const [value, ...others] = values;
    const alone = value !== undefined && others.length === 0 && onto === 'nothing';
    if (alone && builder.node(value).shape.join() === shape.join() && keepsBusy(storage, shape)) {
      whole.push({ value, place: to, shift: 0, when: 'active' });
      continue;
    }
    const partials = (values.length > 0 ? values : [builder.constant(0)]).map((value): Place => {
      const { shape: given } = builder.node(value);
      const units = given.length > 0 ? given : shape;
      const extents = storage.extents(units);
      const region = storage.memory.allocate('adjoints', chunks * widthOf({ extents }), `partial sums for ${name}`);
      const place: Place = { ...region, layout: 'shared', shape: units, extents, given: false };
      stores.push({ value, place, shift: 0, when: 'active' });
      return place;
    });
    sums.push({ common: { shape }, own: { param: name, partials, to } });
  }
  const phasesOf = (own: readonly Store[]) =>
    cutIntoPhases({
      builder,
      stores: own,
      read,
      scratch: (id) => {
        throw new Error(`value ${id} of a bias gradient is not in memory`);
      },
      elements: (shape) => storage.elements(shape),
      instructions: storage.target.maxKernelInstructions,
    });
  const phases = [whole, stores].flatMap((own) => {
    const kernels = merging === 'none' ? own.map((store) => [store]) : [own];
    return kernels.flatMap(phasesOf).map((phase) => ({ phase, chunks: own === whole ? 1 : chunks }));
  });
  const common = { region: 'after', direction: 'backward' } as const;
  return [
    ...phases.map(
      ({ phase, chunks }, index): Pass => ({
        ...common,
        kind: 'reduce',
        chunks,
        name: `backward_sums_${ONTO[onto]}${index}_${phase.shape.join('') || '1'}`,
        phase,
      }),
    ),
    ...merge(sums, merging).map(
      (merged, index): Pass => ({
        ...common,
        kind: 'gather',
        chunks,
        name: `backward_gather_${ONTO[onto]}${index}_${merged.common.shape.join('') || '1'}`,
        sums: merged,
        onto,
      }),
    ),
  ];
}
