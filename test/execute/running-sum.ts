/**
 * A plan made by hand: h' = h + a·x per unit, with its gradients, and a matrix that is only copied (to see both axes
 * padded). It uses everything that `load` offers: loops up and down, a pass at a fixed time, ragged lengths.
 */

import type { Plan, TensorSlot } from '../../codegen/plan.js';
import type { CellData, CellResult, Tensor } from '../../runtime/data.js';
import { lengthsAlong } from '../../runtime/lengths.js';

export interface SumSizes {
  readonly T: number;
  readonly B: number;
  readonly H: number;
}

const padUp = (size: number) => Math.ceil(size / 4) * 4;

export function runningSumPlan({ T, B, H }: SumSizes): Plan {
  const width = padUp(H);
  const tensors: Record<string, TensorSlot> = {};
  const bytes: Record<string, number> = { given: 0, results: 0 };
  const place = (buffer: string, path: string, shape: number[], padded: number[]) => {
    const offset = (bytes[buffer] ?? 0) / 4;
    tensors[path] = { buffer, offset, shape, padded };
    bytes[buffer] = (bytes[buffer] ?? 0) + padded.reduce((product, size) => product * size, 1) * 4;
    return offset;
  };
  const sequence = (buffer: string, path: string) => place(buffer, path, [T, B, H], [T, B, width]);
  const row = (buffer: string, path: string) => place(buffer, path, [B, H], [B, width]);
  const x = sequence('given', 'inputs.x');
  const h0 = row('given', 'state.h');
  const a = place('given', 'params.a', [H], [width]);
  const k = place('given', 'params.k', [], [4]);
  const M = place('given', 'params.M', [H, 3], [width, 4]);
  const seed = sequence('given', 'cotangents.outputs.h');
  const end = row('given', 'cotangents.state.h');
  const h = sequence('results', 'outputs.h');
  const final = row('results', 'final.h');
  const dx = sequence('results', 'gradients.inputs.x');
  const dh = row('results', 'gradients.state.h');
  const da = place('results', 'gradients.params.a', [H], [width]);
  const dk = place('results', 'gradients.params.k', [], [4]);
  const dM = place('results', 'gradients.params.M', [H, 3], [width, 4]);

  const head = `requires immediate_address_space;
    var<immediate> t: i32;
    @group(0) @binding(0) var<storage, read> given: array<f32>;
    @group(0) @binding(1) var<storage, read> lengths: array<u32>;
    @group(0) @binding(2) var<storage, read_write> results: array<f32>;
    fn main_(b: u32, u: u32) {`;
  const tail = `}
    @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < ${width}u && id.y < ${B}u) { main_(id.y, id.x); }
    }`;
  const row_ = `let row = b * ${width}u + u; let at = u32(t) * ${B * width}u + row; let active_ = u32(t) < lengths[b];`;
  const kernels = {
    forward: `${row_}
      var before = given[${h0}u + row];
      if (t > 0) { before = results[${final}u + row]; }
      let after = before + given[${a}u + u] * given[${x}u + at] * given[${k}u];
      results[${final}u + row] = select(before, after, active_);
      results[${h}u + at] = select(0.0, after, active_);`,
    backward: `${row_}
      var carry = results[${dh}u + row];
      if (t == ${T - 1}) { carry = given[${end}u + row]; }
      carry += select(0.0, given[${seed}u + at], active_);
      results[${dh}u + row] = carry;
      results[${dx}u + at] = select(0.0, carry * given[${a}u + u] * given[${k}u], active_);`,
    // At a fixed time: t is 7 and nothing else.
    params: `if (b > 0) { return; }
      var sum = 0.0;
      for (var s = 0u; s < ${T * B}u; s++) {
        if (s / ${B}u >= lengths[s % ${B}u]) { continue; }
        sum += given[${x}u + s * ${width}u + u] * results[${dx}u + s * ${width}u + u];
      }
      results[${da}u + u] = sum;
      for (var c = 0u; c < 4u; c++) { results[${dM}u + u * 4u + c] = given[${M}u + u * 4u + c] + f32(t - 7); }
      if (u < 4u) { results[${dk}u + u] = given[${k}u + u] * 2.0 + f32(lengths[0]); }`,
  };
  const pass = (name: keyof typeof kernels, region: 'loop' | 'after', dispatches: number) => ({
    name: `${name} pass`,
    kernel: name,
    region,
    direction: name === 'forward' ? ('forward' as const) : ('backward' as const),
    strategy: 'stepwise' as const,
    workgroups: [width / 4, B, 1] as const,
    dispatches,
    bytesRead: 0,
    bytesWritten: 0,
    flops: 0,
  });
  return {
    version: 1,
    cell: 'running-sum',
    options: {},
    sizes: { T, B, H },
    gradients: true,
    buffers: [...Object.entries(bytes).map(([name, size]) => ({ name, bytes: size })), { name: 'lengths', bytes: B * 4 }],
    tensors,
    rates: [],
    lengths: { T: { buffer: 'lengths', offset: 0 } },
    kernels: Object.entries(kernels).map(([name, body]) => ({
      name,
      wgsl: [head, body, tail].join('\n'),
      entryPoint: 'main',
      bindings: [
        { buffer: 'given', access: 'read' },
        { buffer: 'lengths', access: 'read' },
        { buffer: 'results', access: 'read_write' },
      ],
      usesTime: true,
    })),
    passes: [pass('forward', 'loop', T), pass('backward', 'loop', T), pass('params', 'after', 1)],
    forward: [{ kind: 'loop', from: 0, to: T, by: 1, passes: ['forward pass'] }],
    backward: [
      { kind: 'loop', from: T - 1, to: -1, by: -1, passes: ['backward pass'] },
      { kind: 'pass', pass: 'params pass', time: 7 },
    ],
  };
}

/** Small whole numbers, so that sums are exact in f32 in any order. */
export function runningSumData(
  { T, B, H }: SumSizes,
  { lengths, reverse = false }: { lengths?: number[]; reverse?: boolean } = {},
): CellData {
  let state = 12345;
  const numbers = (shape: number[]): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = Float64Array.from({ length: count }, () => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return ((state >> 16) % 9) - 4;
    });
    return { shape, data };
  };
  return {
    inputs: { x: numbers([T, B, H]) },
    state: { h: numbers([B, H]) },
    params: { a: numbers([H]), k: { shape: [], data: Float32Array.of(2) }, M: numbers([H, 3]) },
    lengths,
    reverse,
    cotangents: { outputs: { h: numbers([T, B, H]) }, state: { h: numbers([B, H]) } },
  };
}

/** What the plan should give, computed position by position in data order. */
export function expectedSum({ T, B, H }: SumSizes, data: CellData): CellResult {
  const at = (tensor: Tensor | undefined, index: number) => tensor?.data[index] ?? 0;
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((p, s) => p * s, 1)) });
  const [h, final, dx, dh, da] = [zeros(T, B, H), zeros(B, H), zeros(T, B, H), zeros(B, H), zeros(H)];
  const k = at(data.params.k, 0);
  for (let b = 0; b < B; b++) {
    const length = lengthsAlong(data.lengths, 'T')?.[b] ?? T;
    const positions = Array.from({ length }, (_, step) => (data.reverse ? length - 1 - step : step));
    for (let u = 0; u < H; u++) {
      const a = at(data.params.a, u);
      let value = at(data.state.h, b * H + u);
      for (const position of positions) {
        value += a * k * at(data.inputs.x, (position * B + b) * H + u);
        h.data[(position * B + b) * H + u] = value;
      }
      final.data[b * H + u] = value;
      let carry = at(data.cotangents?.state.h, b * H + u);
      for (const position of positions.toReversed()) {
        const index = (position * B + b) * H + u;
        carry += at(data.cotangents?.outputs.h, index);
        dx.data[index] = carry * a * k;
        da.data[u] = (da.data[u] ?? 0) + at(data.inputs.x, index) * (dx.data[index] ?? 0);
      }
      dh.data[b * H + u] = carry;
    }
  }
  const params = {
    a: da,
    k: { shape: [], data: Float32Array.of(k * 2 + (lengthsAlong(data.lengths, 'T')?.[0] ?? T)) },
    M: { shape: [H, 3], data: Float32Array.from(data.params.M?.data ?? []) },
  };
  const forward = { outputs: { h }, state: { h: final } };
  return data.cotangents ? { ...forward, gradients: { inputs: { x: dx }, state: { h: dh }, params } } : forward;
}
