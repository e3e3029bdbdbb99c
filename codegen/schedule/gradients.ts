/**
 * The parameters' gradients, outside the loop: a matrix's is one product over all T·B rows, that of a parameter used
 * per unit a sum over them. Fixed order of summation, no atomics: the same bits every run.
 */

import type { TensorDeclaration } from '../frontend/tree.js';
import type { GraphBuilder } from '../ir/builder.js';
import type { MatrixRef, NodeId, Shape } from '../ir/graph.js';
import type { GradientTerm } from '../passes/adjoint.js';
import { idles } from '../passes/due.js';
import type { RetimedAdjoint } from '../passes/retime.js';
import { inChunks } from './chunks.js';
import { isWhole } from './matrices.js';
import { type Merging, merge } from './merge.js';
import { type Operand, throughWindows, viewOf } from './operands.js';
import type { GatherForm, Onto, Order, OuterForm, OuterProduct, OuterTerm, Pass, Sum } from './passes.js';
import { cutIntoPhases } from './phases.js';
import { type Access, type Place, type Store, widthOf } from './places.js';
import { splitOver } from './split.js';
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
    .flatMap((each) => {
      const [products, sums] = [outerPasses(request, each), sumPasses(request, each)];
      return [...products.passes, ...sums.passes, ...gatherPasses(request, each, [...products.partial, ...sums.partial])];
    })
    .flatMap((pass) => inChunks(pass, request.storage.target))
    .map((pass) => ({ kind: 'pass', pass }));
}

/** Passes, and the sums by chunks of rows that they leave. */
interface Chunked {
  readonly passes: readonly Pass[];
  readonly partial: readonly { readonly common: GatherForm; readonly own: Sum }[];
}

const AFTER = { region: 'after', direction: 'backward' } as const;

/** One pass for all matrices of one shape whose factors are seen alike. */
function outerPasses(request: GradientRequest, onto: Onto): Chunked {
  const { storage, params, terms: given, merging } = request;
  const idle = idles(request.builder);
  const products: { common: OuterForm; own: OuterProduct }[] = [];
  const partial: Chunked['partial'][number][] = [];
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
        const seen = factors.map(([left, right, { gate, chosen = false, ...term }]) => {
          const sides = (['left', 'right'] as const).map((side) => ({ side, conditions: idle(term[side]) }));
          const own = heads > 1 ? head : undefined;
          return {
            positions: right.shape.slice(0, heads > 1 ? -2 : -1),
            gate,
            chosen,
            idle: chosen ? undefined : sides.find(({ conditions }) => conditions.length > 0),
            left: viewOf(storage, left, 'all', own),
            right: viewOf(storage, right, 'all', own),
          };
        });
        const terms = seen.map(({ left, right, ...form }) => ({ ...form, left: left.view, right: right.view }));
        const split = splitOver(storage.target, {
          n: storage.size(rows),
          k: storage.size(columns),
          rows: productRows(storage, terms),
        });
        const chunks = split?.chunks ?? 1;
        const whole: Place = { ...to, base: to.base + skipped + head * size };
        const place = chunks === 1 ? whole : { ...whole, ...partialSums(storage, name, chunks * size) };
        if (chunks > 1) {
          partial.push({
            common: { shape: [rows, columns], chunks, width: size },
            own: { param: name, partials: [place], to: whole },
          });
        }
        products.push({
          common: { rows, columns, to: place.buffer, terms, split, partial: isWhole(matrix) ? undefined : matrix },
          own: {
            param: name,
            head,
            to: place.base,
            terms: seen.map(({ left, right }) => ({ left: left.start, right: right.start })),
          },
        });
      }
    }
  }
  const passes = merge(products, merging).map(
    (merged, index): Pass => ({
      ...AFTER,
      kind: 'outer',
      name: `backward_weights_${ONTO[onto]}${index}_${merged.common.rows}_${merged.common.columns}`,
      products: merged,
      onto: (merged.common.split?.chunks ?? 1) > 1 ? 'nothing' : onto,
    }),
  );
  return { passes, partial };
}

const partialSums = ({ memory }: Storage, param: string, vectors: number) =>
  memory.allocate('adjoints', vectors, `partial sums for ${param}`);

/** Over how many a product sums: positions count as rows. */
export const productRows = (storage: Storage, terms: readonly OuterTerm[]): number =>
  terms.reduce((sum, { positions }) => sum + storage.steps * storage.size('B') * storage.elements(positions), 0);

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

function sumPasses({ builder, storage, merging, params, terms, read }: GradientRequest, onto: Onto): Chunked {
  const rows = storage.steps * storage.size('B');
  // About as many chunks as rows in a chunk: two short sums round less than one long one.
  const chunks = Math.ceil(Math.sqrt(rows));
  const stores: Store[] = [];
  const whole: Store[] = [];
  const partial: Chunked['partial'][number][] = [];
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
      const region = partialSums(storage, name, chunks * widthOf({ extents }));
      const place: Place = { ...region, layout: 'shared', shape: units, extents, given: false };
      stores.push({ value, place, shift: 0, when: 'active' });
      return place;
    });
    const width = widthOf({ extents: storage.extents(shape) });
    partial.push({ common: { shape, chunks, width }, own: { param: name, partials, to } });
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
  const passes = phases.map(
    ({ phase, chunks }, index): Pass => ({
      ...AFTER,
      kind: 'reduce',
      chunks,
      name: `backward_sums_${ONTO[onto]}${index}_${phase.shape.join('') || '1'}`,
      phase,
    }),
  );
  return { passes, partial };
}

function gatherPasses({ merging }: GradientRequest, onto: Onto, partial: Chunked['partial']): Pass[] {
  return merge(partial, merging).map((sums, index) => ({
    ...AFTER,
    kind: 'gather',
    name: `backward_gather_${ONTO[onto]}${index}_${sums.common.shape.join('') || '1'}`,
    sums,
    onto,
  }));
}
