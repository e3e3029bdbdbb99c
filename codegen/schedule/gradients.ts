/**
 * The parameters' gradients, outside the loop: a matrix's is one product over all T·B rows, a vector's or scalar's a
 * sum over them. Fixed order of summation, no atomics: the same bits every run.
 */
import type { GraphBuilder } from '../ir/builder.js';
import type { NodeId } from '../ir/graph.js';
import type { RetimedAdjoint } from '../passes/retime.js';
import type { Order, OuterProduct, Pass, Sum } from './passes.js';
import { cutIntoPhases } from './phases.js';
import type { Access, Place, Store } from './places.js';
import { quads, type Storage } from './storage.js';

interface GradientRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly params: RetimedAdjoint['params'];
  readonly read: (id: NodeId) => Access | undefined;
}

export function gradientPasses(request: GradientRequest): Order[] {
  return [...outerPasses(request), ...sumPasses(request)].map((pass) => ({ kind: 'pass', pass }));
}

/** One pass for all matrices of one shape whose factors lie in the same buffers. */
function outerPasses({ storage, params, read }: GradientRequest): Pass[] {
  const groups = new Map<string, { dims: readonly string[]; products: OuterProduct[] }>();
  const factor = (id: NodeId): Access => {
    const access = read(id);
    if (!access) throw new Error(`factor ${id} of a weight gradient is not in memory`);
    return access;
  };
  for (const { name, shape } of storage.signature.params) {
    if (shape.length !== 2) continue;
    const to = storage.matrixPlace('gradients', `gradients.params.${name}`, shape);
    const terms = (params[name] ?? []).flatMap((term) =>
      term.kind === 'outer' ? [{ left: factor(term.left), right: factor(term.right) }] : [],
    );
    const buffers = [to.buffer, ...terms.flatMap(({ left, right }) => [left.place.buffer, right.place.buffer])];
    const key = [...shape, ...buffers].join(' ');
    const group = groups.get(key) ?? { dims: shape, products: [] };
    groups.set(key, group);
    group.products.push({ param: name, to, terms });
  }
  return [...groups.values()].map(({ dims: [rowsDim = '', columnsDim = ''], products }, index) => ({
    kind: 'outer',
    name: `backward_weights_${index}_${rowsDim}_${columnsDim}`,
    region: 'after',
    direction: 'backward',
    rowsDim,
    columnsDim,
    products,
  }));
}

function sumPasses({ builder, storage, params, read }: GradientRequest): Pass[] {
  const rows = storage.size('T') * storage.size('B');
  // About as many chunks as rows in a chunk: two short sums round less than one long one.
  const chunks = Math.ceil(Math.sqrt(rows));
  const stores: Store[] = [];
  const gathers = new Map<string | undefined, Sum[]>();
  for (const { name, shape } of storage.signature.params) {
    if (shape.length === 2) continue;
    const dim = shape[0];
    const to = storage.place('gradients', dim === undefined ? 'word' : 'vector', dim, 1, `gradients.params.${name}`);
    storage.expose(`gradients.params.${name}`, to, 1);
    const values = (params[name] ?? []).flatMap((term) => (term.kind === 'sum' ? [term.value] : []));
    const partials = (values.length > 0 ? values : [builder.constant(0)]).map((value): Place => {
      const units = builder.node(value).shape[0] ?? dim ?? storage.signature.state[0]?.shape[0];
      if (units === undefined) throw new Error(`no units to sum for ${name}`);
      const region = storage.memory.allocate('adjoints', chunks * quads(storage.size(units)), `partial sums for ${name}`);
      const place: Place = { ...region, layout: 'vector', dim: units };
      stores.push({ value, place, shift: 0, when: 'active' });
      return place;
    });
    gathers.set(dim, [...(gathers.get(dim) ?? []), { param: name, partials, to }]);
  }
  const phases = cutIntoPhases({
    builder,
    stores,
    read,
    scratch: (id) => {
      throw new Error(`value ${id} of a bias gradient is not in memory`);
    },
  });
  const common = { region: 'after', direction: 'backward', chunks } as const;
  return [
    ...phases.map((phase): Pass => ({ ...common, kind: 'reduce', name: `backward_sums_${phase.dim}`, phase })),
    ...[...gathers].map(
      ([dim, sums]): Pass => ({ ...common, kind: 'gather', name: `backward_gather_${dim ?? 'scalars'}`, dim, sums }),
    ),
  ];
}
