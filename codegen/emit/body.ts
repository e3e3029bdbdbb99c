/**
 * Prints the per-unit part of a kernel: the values it stores, and where each goes.
 */
import type { Store } from '../schedule/places.js';
import { LOAD } from '../schedule/weights.js';
import { stepsOf } from './bindings.js';
import { homeSpot, indexLines } from './values/indices.js';
import type { Tally, ValueRequest } from './values/printer.js';
import { addressOf, keyOf, NOWHERE, type Spot } from './values/spots.js';
import { liveUnits, named } from './values/texts.js';
import { isApart, ValuePrinter } from './values/values.js';

export interface Body extends Readonly<Tally> {
  readonly lines: { readonly text: string }[];
}

/** Values of a phase's stores at several spots. */
export interface Values extends Body {
  /** At each spot those of all stores, in order. */
  readonly at: readonly (readonly string[])[];
}

/** `masked` prints what a store leaves in memory: zero behind a sequence's end and in padding lanes. */
export type PrintStore = (store: Store, address: string, masked: string) => string;

/** Where a lane's values are, and what declares the indices in there. */
export interface Spots {
  readonly spots: readonly Spot[];
  readonly lines: readonly string[];
}

/** A lane's own units. */
const homeOf = ({ phase, storage }: ValueRequest): Spots => ({
  spots: [homeSpot(phase.shape.length)],
  lines: indexLines(phase.shape, storage),
});

/** What the phase stores at a lane's own units, or at each of these spots. */
export function printBody(request: ValueRequest, print: PrintStore, { spots, lines: declared }: Spots = homeOf(request)): Body {
  const { phase, storage, builder, bindings } = request;
  const printer = new ValuePrinter(request);
  const home = keyOf(homeSpot(phase.shape.length));
  const dim = phase.shape.at(-1);
  const units = dim === undefined ? 1 : storage.size(dim);
  const quads = [...new Set(spots.map(({ last }) => last?.text ?? '0u'))];
  const lives = quads.map((quad, turn) => ({ quad, live: quads.length === 1 ? 'live' : `live_${turn}` }));
  const live = (text: string, { last }: Spot) =>
    units % 4 === 0 ? text : `select(vec4f(0), ${text}, ${lives[quads.indexOf(last?.text ?? '0u')]?.live})`;
  const { skips } = request;
  /** What is left behind a sequence's end, where nothing is computed there. */
  const zeros: string[] = [];
  const stores = phase.stores.flatMap((store) => {
    if (builder.node(store.value).type === 'boolean') throw new Error(`boolean ${store.value} cannot be stored`);
    // A scalar among units is stored by the lane of the first ones.
    const aside = store.place.shape.length === 0 && phase.shape.length > 0;
    const values = printer.at(store.value, spots);
    return spots.map((own, turn) => {
      printer.tally.instructions += LOAD;
      const value = values[turn] ?? '';
      const spot: Spot = aside ? { ...NOWHERE, step: own.step } : own;
      const kept = (text: string) => (aside ? `vec4f(${text}.x, 0, 0, 0)` : live(text, own));
      const masked =
        store.when === 'last'
          ? kept(`select(${printer.load(store.initial, spot)}, ${value}, ${named('within', own)})`)
          : store.when === 'active'
            ? `select(vec4f(0), ${kept(value)}, ${named('within', own)})`
            : kept(value);
      const flat = !aside && !isApart(store.place) && keyOf({ ...own, step: undefined }) === home;
      const address = addressOf(storage, { ...store, guarded: false }, spot, flat ? 'col' : undefined);
      const statement = print(store, address, masked);
      if (skips !== undefined && store.when === 'active')
        zeros.push(aside ? `if (col == 0u) { ${print(store, address, 'vec4f(0)')} }` : print(store, address, 'vec4f(0)'));
      const conditions = [...(store.when === 'last' ? [named('ends', own)] : []), ...(aside ? ['col == 0u'] : [])];
      return conditions.length === 0 ? statement : `if (${conditions.join(' && ')}) { ${statement} }`;
    });
  });
  const usesWithin = phase.stores.some(({ when }) => when !== 'always');
  const usesEnds = phase.stores.some(({ when }) => when === 'last');
  const steps = [...new Map(spots.map((spot) => [spot.step, spot])).values()];
  const forSteps = (text: (spot: Spot, step: string) => string) => steps.map((spot) => text(spot, spot.step ?? 't'));
  return printed(printer, [
    ...declared,
    ...(printer.usesLast || printer.usesSteps || usesWithin
      ? [`let steps = ${printer.constant(stepsOf(storage, bindings, 'b'), 'i32')};`]
      : []),
    ...(usesWithin ? forSteps((spot, step) => `let ${named('within', spot)} = ${step} < steps;`) : []),
    ...(printer.usesLast ? forSteps((spot, step) => `let ${named('last', spot)} = ${step} + 1 == steps;`) : []),
    ...printer.uniform(),
    // A sequence without steps ends where the first one would be.
    ...(usesEnds ? forSteps((spot, step) => `let ${named('ends', spot)} = ${step} + 1 == max(steps, 1);`) : []),
    // Lanes that hand each other sums stay together.
    ...(skips !== undefined && usesWithin && !printer.tally.hands
      ? [`if (${usesEnds ? '!(within || ends)' : '!within'}) { ${zeros.join(' ')} return; }`]
      : []),
    ...(units % 4 === 0 ? [] : lives.map((one) => `let ${one.live} = ${liveUnits(one.quad, units)};`)),
    ...printer.lines,
    ...new Set(stores),
  ]);
}

/** What the phase stores, at each of these spots of the lane. */
export function printValues(request: ValueRequest, spots: readonly Spot[]): Values {
  const printer = new ValuePrinter(request);
  const { stores } = request.phase;
  const values = stores.map(({ value }) => printer.at(value, spots));
  printer.tally.instructions += stores.length * spots.length;
  const lines = [...(printer.usesLast ? ['let last = t + 1 == steps;'] : []), ...printer.uniform(), ...printer.lines];
  return { ...printed(printer, lines), at: spots.map((_, turn) => values.map((own) => own[turn] ?? '')) };
}

function printed(printer: ValuePrinter, lines: readonly string[]): Body {
  return { lines: lines.map((text) => ({ text })), ...printer.tally };
}
