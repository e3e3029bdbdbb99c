/**
 * Training steps a second on the adding problem (Hochreiter & Schmidhuber 1997), the same step twice, in turns: from the library,
 * whose parameters stay on the device, and through `recurve run --data -`, which is sent them with every request.
 *
 *     node dist/bench/library/adding.js [--adapter swiftshader] [--against path/of/another/recurve/main.js]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type AdapterChoice, type Layer, open, type Tensor } from '../../runtime/node/index.js';
import { type Contender, measureInTurns } from '../measure.js';
import { provenance } from '../provenance.js';
import { alignColumns } from '../report.js';

/** T, B and H of the adding problem; I is the number and its mark. */
const SIZES = [
  { T: 10, B: 32, H: 16 }, // examples/adding.ts
  { T: 50, B: 20, H: 64 },
  { T: 100, B: 20, H: 128 }, // Le, Jaitly & Hinton 2015 (arXiv:1504.00941) have 100 units
].map((sizes) => ({ ...sizes, I: 2 }));
type AddingSizes = (typeof SIZES)[number];

const EFFORT = { warmups: 2, minRounds: 9, maxRounds: 60, budget: 10_000 };
const DESCENT = { rate: 0.1, maxNorm: 1 };
const CELL = fileURLToPath(new URL('../../../examples/adder.cell.ts', import.meta.url));
const OWN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { adapter: { type: 'string' }, against: { type: 'string', default: OWN } } });
  const gpu = await open({ adapter: (values.adapter ?? 'auto') as AdapterChoice });
  const rows: string[][] = [];
  for (const sizes of SIZES) {
    const layer = await gpu.compile(CELL, { dims: sizes, gradients: true });
    layer.init({ seed: 1 });
    const stream = startStream(values.against, values.adapter);
    const contenders = [await fromLibrary(layer, sizes), await throughStream(stream, layer, sizes)];
    const [library, streamed] = await measureInTurns(contenders, EFFORT);
    stream.process.stdin?.end();
    layer.destroy();
    if (library === undefined || streamed === undefined) throw new Error('two contenders have two timings');
    const perSecond = (milliseconds: number) => (1000 / milliseconds).toFixed(1);
    rows.push([
      `T=${sizes.T} B=${sizes.B} H=${sizes.H}`,
      perSecond(library.median),
      perSecond(streamed.median),
      (streamed.median / library.median).toFixed(2),
      String(library.samples),
    ]);
  }
  const { versions, commit = 'no checkout' } = provenance();
  console.log(alignColumns([['training steps a second', 'library', 'run --data -', 'ratio', 'rounds'], ...rows], 1).join('\n'));
  console.log(`${gpu.adapter.name}, recurve ${versions.recurve} (${commit}), Node ${versions.node}`);
  gpu.close();
}

/** Forward, the cotangent of what y it reads, backward and a step down, where parameters and gradients lie. */
async function fromLibrary(layer: Layer, { T, B }: AddingSizes): Promise<Contender> {
  const { x } = batch(T, B);
  return {
    name: 'library',
    async run() {
      const { outputs } = await layer.forward({ inputs: { x }, read: ['outputs.y'] });
      const y = outputs.y?.data ?? new Float32Array();
      await layer.backward({ cotangents: { outputs: { y: lossCotangent(y, T, B) } }, read: [] });
      layer.descend(DESCENT);
      await layer.finished();
    },
  };
}

/** The same step by two requests, one for y and one for the gradients, and the arithmetic of the descent in JavaScript. */
async function throughStream(stream: Stream, layer: Layer, { T, B, I }: AddingSizes): Promise<Contender> {
  const x = { shape: [T, B, I], data: [...batch(T, B).x] };
  const params = Object.fromEntries(
    Object.entries(await layer.params()).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
  );
  return {
    name: 'run --data -',
    async run() {
      const { outputs } = await stream.ask({ inputs: { x }, params });
      const { shape, data } = found(outputs?.y);
      const cotangents = { outputs: { y: { shape, data: [...lossCotangent(data, T, B)] } } };
      const { gradients } = await stream.ask({ inputs: { x }, params, cotangents });
      const slopes = Object.entries(found(gradients).params);
      const norm = Math.hypot(...slopes.map(([, { data }]) => Math.hypot(...data)));
      const rate = DESCENT.rate * Math.min(1, DESCENT.maxNorm / norm);
      for (const [name, { data }] of slopes) {
        const param = found(params[name]);
        param.data = param.data.map((value, at) => value - rate * (data[at] ?? 0));
      }
    },
  };
}

interface Answer {
  readonly outputs?: Readonly<Record<string, Tensor>>;
  readonly gradients?: { readonly params: Readonly<Record<string, Tensor>> };
  readonly error?: unknown;
}

interface Stream {
  readonly process: ChildProcess;
  ask(request: object): Promise<Answer>;
}

function startStream(program: string, adapter: string | undefined): Stream {
  const flags = ['run', CELL, '--data', '-', '--out', '-', ...(adapter === undefined ? [] : ['--adapter', adapter])];
  const child = spawn(process.execPath, [program, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${program} ended before it answered`);
      const answer = JSON.parse(value) as Answer;
      if (answer.error !== undefined) throw new Error(`${program} refused: ${JSON.stringify(answer.error)}`);
      return answer;
    },
  };
}

/** Of every sequence: numbers in [0, 1), and 1 beside two of them, one in each half, `[T, B, 2]`; their sums, `[B]`. */
function batch(T: number, B: number): { readonly x: Float32Array; readonly sums: Float32Array } {
  const x = new Float32Array(T * B * 2);
  const sums = new Float32Array(B);
  for (let b = 0; b < B; b++) {
    const marked = [b % Math.ceil(T / 2), Math.floor(T / 2) + (b % Math.floor(T / 2))];
    for (let t = 0; t < T; t++) {
      const value = ((7919 * (t * B + b)) % 1000) / 1000;
      x.set([value, Number(marked.includes(t))], (t * B + b) * 2);
      if (marked.includes(t)) sums[b] = (sums[b] ?? 0) + value;
    }
  }
  return { x, sums };
}

/** Of the mean squared error of what is said at the last step, `[T, B]`. */
function lossCotangent(y: ArrayLike<number>, T: number, B: number): Float32Array {
  const { sums } = batch(T, B);
  return Float32Array.from(y, (value, at) => (at < (T - 1) * B ? 0 : (2 * (value - (sums[at % B] ?? 0))) / B));
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an answer lacks what was asked for');
  return value;
}

await main();
