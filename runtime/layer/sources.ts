/** What each of a plan's tensors is to hold in a request. */
import { RecurveError } from '../../codegen/errors.js';
import type { Plan } from '../../codegen/plan.js';
import { didYouMean } from '../../codegen/suggest.js';
import { type Tensor as HostTensor, requireRates } from '../data.js';
import { type Executable, isBuffer, type Source } from '../execute/index.js';
import type { Extent } from '../memory/copy.js';
import type { PlacedTensor } from '../memory/slots.js';
import { type GivenTensors, isNumbers, isTensor, type Owner, sourceOf, tensorsIn, wholeOf } from './extent.js';
import { unknownKey } from './forms.js';
import type { Cotangents, ForwardRequest, Given } from './types.js';

export type Sourced = readonly [PlacedTensor, Source];

export class Sources {
  readonly #plan: Plan;
  readonly #owner: Owner;
  readonly #groups: ReadonlyMap<string, readonly PlacedTensor[]>;
  /** All of the plan: what parameters, which no run cuts short, are written with. */
  readonly whole: Extent;

  constructor(executable: Pick<Executable, 'plan' | 'given' | 'owns'>) {
    const { plan, given } = executable;
    this.#plan = plan;
    this.#owner = executable;
    const tensors = [...given.values()];
    this.#groups = new Map(tensors.map(({ group }) => [group, tensors.filter((tensor) => tensor.group === group)]));
    this.whole = wholeOf(plan);
  }

  /** Tensors of a group, such as `params`; none where the plan has none. */
  group(name: string): readonly PlacedTensor[] {
    return this.#groups.get(name) ?? [];
  }

  /**
   * All that a forward run reads.
   *
   * @param missing names of parameters that nothing was written to yet
   * @throws RecurveError `DATA-*`
   */
  forward({ inputs, state, params }: ForwardRequest, extent: Extent, missing: ReadonlySet<string>): Sourced[] {
    const given = this.#known('inputs', inputs);
    const sources = this.group('inputs').map((tensor): Sourced => {
      const value = given[tensor.name];
      if (value === undefined) throw isMissing(tensor.path);
      return [tensor, sourceOf(tensor, value, extent, this.#owner)];
    });
    if (state !== 'kept') sources.push(...this.state(state, extent));
    if (params !== undefined) return [...sources, ...this.#allParams(params)];
    if (missing.size === 0) return sources;
    for (const tensor of this.group('params').filter(({ name }) => missing.has(name))) {
      if (tensor.slot.fill === undefined)
        throw isMissing(tensor.path, ', and nothing set it: give it, or call setParams or init');
      sources.push([tensor, tensor.slot.fill]);
    }
    return sources;
  }

  /** @throws RecurveError `DATA-*` */
  state(state: ForwardRequest['state'] = {}, extent: Extent): Sourced[] {
    const given = this.#known('state', state);
    return this.group('state').map((tensor) => {
      const value = given[tensor.name];
      return [tensor, value === undefined ? (tensor.slot.fill ?? 0) : sourceOf(tensor, value, extent, this.#owner)];
    });
  }

  /** Those that are given. @throws RecurveError `DATA-*` */
  params(params: ForwardRequest['params']): Sourced[] {
    const given = this.#known('params', params);
    requireRates(this.#plan.rates, Object.fromEntries(Object.entries(given).flatMap(asScalar)));
    return this.group('params').flatMap((tensor): Sourced[] => {
      const value = given[tensor.name];
      return value === undefined ? [] : [[tensor, sourceOf(tensor, value, this.whole, this.#owner)]];
    });
  }

  /** @throws RecurveError `DATA-*` */
  cotangents(cotangents: Cotangents, extent: Extent): Sourced[] {
    const groups = tensorsIn('cotangents', cotangents) as Cotangents;
    const unknown = Object.keys(groups).find((name) => name !== 'outputs' && name !== 'state');
    if (unknown !== undefined) throw unknownKey('cotangents', unknown, ['outputs', 'state'], 'cotangents');
    return (['outputs', 'state'] as const).flatMap((group) => {
      const { [group]: tensors = {} } = groups;
      const given = this.#known(`cotangents.${group}`, tensors);
      return this.group(`cotangents.${group}`).map((tensor): Sourced => {
        const value = given[tensor.name];
        return [tensor, value === undefined ? 0 : sourceOf(tensor, value, extent, this.#owner)];
      });
    });
  }

  #allParams(params: ForwardRequest['params']): Sourced[] {
    const sources = new Map(this.params(params));
    for (const tensor of this.group('params')) {
      if (sources.has(tensor)) continue;
      if (tensor.slot.fill === undefined) throw isMissing(tensor.path);
      sources.set(tensor, tensor.slot.fill);
    }
    return [...sources];
  }

  /** A group of the request, with no names but the plan's. */
  #known(group: string, tensors: unknown): GivenTensors {
    const given = tensorsIn(group, tensors);
    const names = this.group(group).map(({ name }) => name);
    const unknown = Object.keys(given).find((name) => !names.includes(name));
    if (unknown === undefined) return given;
    throw new RecurveError({
      code: 'DATA-NAME',
      message: `${group}.${unknown} is not in the plan for ${this.#plan.cell}`,
      fix: didYouMean(unknown, names, names.length > 0 ? `It has ${names.join(', ')}.` : `It has no ${group}.`, '"'),
      where: `${group}.${unknown}`,
    });
  }
}

function isMissing(path: string, more = ''): RecurveError {
  return new RecurveError({ code: 'DATA-MISSING', message: `${path} is missing${more}`, fix: `Give ${path}.`, where: path });
}

/** A rate is one number; what a buffer holds is not known here, and what is no tensor is refused when its source is asked for. */
function asScalar([name, given]: [string, Given | undefined]): [string, HostTensor][] {
  if (isBuffer(given)) return [];
  if (isTensor(given)) return isNumbers(given.data) ? [[name, given]] : [];
  return isNumbers(given) ? [[name, { shape: [], data: given }]] : [];
}
