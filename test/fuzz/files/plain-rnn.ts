/**
 * The cell `rnn` with its default options, in plain loops over a request as JSON.parse gives it: the judge of accepted
 * requests. It shares nothing with recurve, and refuses whatever it does not read as one meaning.
 */

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Group = Readonly<Record<string, PlainTensor>>;

/** What a request must be refused for. */
export class Unacceptable extends Error {}
/** What this judge leaves to others: options that it does not know. */
export class Unjudged extends Error {}

/** Outputs, final state and, where there are cotangents, gradients, by path. @throws Unacceptable, Unjudged */
export function runPlainRnn(document: unknown): ReadonlyMap<string, readonly number[]> {
  const request = record(document, 'the request');
  only(request, ['cell', 'options', 'inputs', 'state', 'params', 'lengths', 'reverse', 'seed', 'cotangents']);
  if (request.cell !== undefined && request.cell !== 'rnn') throw new Unacceptable('another cell');
  readOptions(request.options);
  const { x } = tensors(request.inputs, ['x'], ['x']);
  const { W, U, b } = tensors(request.params, ['W', 'U', 'b'], ['W', 'U', 'b']);
  const { h } = tensors(request.state, ['h'], []);
  if (!x || !W || !U || !b) throw new Unacceptable('a tensor is missing');
  const [T = 0, B = 0, I = 0] = x.shape;
  const [H = 0] = b.shape;
  for (const [tensor, shape] of [
    [x, [T, B, I]],
    [W, [H, I]],
    [U, [H, H]],
    [b, [H]],
    [h, [B, H]],
  ] as const)
    demand(tensor, shape);
  if (Math.min(T, B, I, H) < 1) throw new Unacceptable('an empty axis');
  const lengths = readLengths(request.lengths, T, B);
  const within = (tensor: PlainTensor | undefined, width: number) =>
    tensor?.data.filter((_, index) => Math.floor(index / (B * width)) < (lengths[Math.floor(index / width) % B] ?? 0));
  // What lies behind a sequence's length is nobody's number.
  for (const numbers of [within(x, I), h?.data, W.data, U.data, b.data]) demandFinite(numbers);
  const reverse = request.reverse ?? false;
  if (typeof reverse !== 'boolean') throw new Unacceptable('reverse');
  const seed = request.seed ?? 0;
  if (typeof seed !== 'number' || !Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) throw new Unacceptable('seed');

  const outputs = new Float64Array(T * B * H);
  const final = Float64Array.from({ length: B * H }, (_, at) => h?.data[at] ?? 0);
  const order = (sequence: number) => {
    const steps = Array.from({ length: lengths[sequence] ?? 0 }, (_, t) => t);
    return reverse ? steps.reverse() : steps;
  };
  const before = new Float64Array(T * B * H);
  for (let s = 0; s < B; s++) {
    for (const t of order(s)) {
      const past = final.slice(s * H, (s + 1) * H);
      before.set(past, (t * B + s) * H);
      for (let u = 0; u < H; u++) {
        let sum = at(b, u);
        for (let i = 0; i < I; i++) sum += at(W, u * I + i) * at(x, (t * B + s) * I + i);
        for (let v = 0; v < H; v++) sum += at(U, u * H + v) * (past[v] ?? 0);
        final[s * H + u] = Math.tanh(sum);
        outputs[(t * B + s) * H + u] = Math.tanh(sum);
      }
    }
  }
  const results = new Map<string, readonly number[]>([
    ['outputs.h', [...outputs]],
    ['state.h', [...final]],
  ]);
  if (request.cotangents === undefined) return results;

  const cotangents = record(request.cotangents, 'cotangents');
  only(cotangents, ['outputs', 'state']);
  const { h: dOutput } = tensors(cotangents.outputs, ['h'], []);
  const { h: dFinal } = tensors(cotangents.state, ['h'], []);
  demand(dOutput, [T, B, H]);
  demand(dFinal, [B, H]);
  for (const numbers of [within(dOutput, H), dFinal?.data]) demandFinite(numbers);
  const dx = new Float64Array(x.data.length);
  const [dW, dU, db] = [W, U, b].map(({ data }) => new Float64Array(data.length)) as [Float64Array, Float64Array, Float64Array];
  const dh = Float64Array.from({ length: B * H }, (_, index) => dFinal?.data[index] ?? 0);
  for (let s = 0; s < B; s++) {
    for (const t of order(s).reverse()) {
      const row = (t * B + s) * H;
      const da = Array.from({ length: H }, (_, u) => {
        const y = outputs[row + u] ?? 0;
        return ((dh[s * H + u] ?? 0) + (dOutput?.data[row + u] ?? 0)) * (1 - y * y);
      });
      for (let v = 0; v < H; v++) dh[s * H + v] = da.reduce((sum, d, u) => sum + d * at(U, u * H + v), 0);
      for (const [u, d] of da.entries()) {
        db[u] = (db[u] ?? 0) + d;
        for (let v = 0; v < H; v++) dU[u * H + v] = (dU[u * H + v] ?? 0) + d * (before[row + v] ?? 0);
        for (let i = 0; i < I; i++) {
          const from = (t * B + s) * I + i;
          dW[u * I + i] = (dW[u * I + i] ?? 0) + d * at(x, from);
          dx[from] = (dx[from] ?? 0) + d * at(W, u * I + i);
        }
      }
    }
  }
  for (const [path, values] of [
    ['inputs.x', dx],
    ['state.h', dh],
    ['params.W', dW],
    ['params.U', dU],
    ['params.b', db],
  ] as const) {
    results.set(`gradients.${path}`, [...values]);
  }
  return results;
}

function readOptions(value: unknown): void {
  for (const [name, option] of Object.entries(record(value ?? {}, 'options'))) {
    if (name === 'activation' && option === 'tanh') continue;
    if (name === 'clip' && option === 0) continue;
    throw new Unjudged(`option ${name}`);
  }
}

function readLengths(value: unknown, T: number, B: number): readonly number[] {
  if (value === undefined) return Array.from({ length: B }, () => T);
  if (!Array.isArray(value) || value.length !== B) throw new Unacceptable('lengths');
  return value.map((length: unknown) => {
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || length > T) throw new Unacceptable('lengths');
    return length;
  });
}

function tensors<Name extends string>(
  value: unknown,
  known: readonly Name[],
  needed: readonly Name[],
): Partial<Record<Name, PlainTensor>> {
  const group = record(value ?? {}, 'a group of tensors');
  only(group, known);
  for (const name of needed) if (!Object.hasOwn(group, name)) throw new Unacceptable(`${name} is missing`);
  return Object.fromEntries(Object.entries(group).map(([name, tensor]) => [name, readTensor(tensor)])) as Group as Partial<
    Record<Name, PlainTensor>
  >;
}

function readTensor(value: unknown): PlainTensor {
  const tensor = record(value, 'a tensor');
  only(tensor, ['shape', 'data']);
  const { shape, data } = tensor;
  if (!Array.isArray(shape) || !Array.isArray(data)) throw new Unacceptable('a tensor without shape and data');
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 0)) throw new Unacceptable('a shape');
  // JSON writes null for what is no number.
  if (!data.every((element) => typeof element === 'number' || element === null)) throw new Unacceptable('a number');
  if (shape.reduce((product, extent) => product * extent, 1) !== data.length) throw new Unacceptable('a count of numbers');
  return { shape, data: data.map((element) => (element === null ? Number.NaN : Math.fround(element))) };
}

function demandFinite(numbers: readonly number[] | undefined): void {
  if (numbers?.every(Number.isFinite) === false) throw new Unacceptable('a number that is none');
}

function demand(tensor: PlainTensor | undefined, shape: readonly number[]): void {
  if (tensor !== undefined && `${tensor.shape}` !== `${shape}`) throw new Unacceptable(`shape [${tensor.shape}], not [${shape}]`);
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unacceptable(`${what} is no object`);
  return value as Record<string, unknown>;
}

function only(group: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const key of Object.keys(group)) if (!known.includes(key)) throw new Unacceptable(`unknown ${key}`);
}

function at({ data }: PlainTensor, index: number): number {
  return data[index] ?? 0;
}
