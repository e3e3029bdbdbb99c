/**
 * How long a service waits for one step of an LSTM at B=1, from the call to the numbers: `step` of the library beside a session of
 * onnxruntime on the processor, in turns. `npm install --no-save onnxruntime-node` brings the peer; without it we stand alone.
 *
 *     node dist/bench/library/latency.js [--adapter swiftshader] [--steps 10000] [--units 64,128,256,512]
 */
import { parseArgs } from 'node:util';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { type AdapterChoice, open } from '../../runtime/node/index.js';
import { provenance } from '../provenance.js';
import { alignColumns } from '../report.js';

/** One step, whose state is carried to the next by whoever it is. */
type Step = () => Promise<unknown>;

const options = {
  adapter: { type: 'string', default: 'auto' },
  steps: { type: 'string', default: '10000' },
  units: { type: 'string', default: '64,128,256,512' },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  const gpu = await open({ adapter: values.adapter as AdapterChoice });
  const onnx = await openOnnx();
  const rows: string[][] = [];
  for (const units of values.units.split(',').map(Number)) {
    const layer = await gpu.compile('lstm', { dims: { T: 1, B: 1, I: units, H: units } });
    layer.init({ seed: 1 });
    const x = numbers(units);
    const ours: Step = () => layer.step({ inputs: { x }, read: ['outputs'] });
    const theirs = await onnx?.(units, x);
    const steps = theirs === undefined ? [ours] : [ours, theirs];
    const times = await timesInTurns(steps, Number(values.steps));
    rows.push([`I=H=${units}`, ...times.flatMap((sorted) => [quantile(sorted, 0.5), quantile(sorted, 0.99)])]);
    layer.destroy();
  }
  const peer = onnx === undefined ? [] : ['onnxruntime p50', 'p99'];
  console.log(alignColumns([['ms a step, B=1', 'recurve p50', 'p99', ...peer], ...rows], 1).join('\n'));
  const { versions, commit = 'no checkout' } = provenance();
  console.log(`${gpu.adapter.name}, ${values.steps} steps each, recurve ${versions.recurve} (${commit}), Node ${versions.node}`);
  gpu.close();
}

/** Milliseconds of each, sorted; a tenth of the steps goes before, untimed. */
async function timesInTurns(steps: readonly Step[], count: number): Promise<number[][]> {
  const times: number[][] = steps.map(() => []);
  const warmups = Math.ceil(count / 10);
  for (let turn = 0; turn < warmups + count; turn++) {
    for (const [at, step] of steps.entries()) {
      const begin = performance.now();
      await step();
      if (turn >= warmups) times[at]?.push(performance.now() - begin);
    }
  }
  return times.map((each) => each.sort((a, b) => a - b));
}

function quantile(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(3);
}

/** Between −0.1 and 0.1: nothing saturates. */
function numbers(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, at) => (((7919 * at) % 1000) / 500 - 1) / 10);
}

/** What we use of onnxruntime-node, which is not installed with us. */
interface Onnx {
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<{ run(feeds: object): Promise<Readonly<Record<string, unknown>>> }>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
}

async function openOnnx(): Promise<((units: number, x: Float32Array) => Promise<Step>) | undefined> {
  const name = 'onnxruntime-node';
  let onnx: Onnx;
  try {
    const module = (await import(name)) as Onnx & { readonly default?: Onnx };
    onnx = module.default ?? module;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  }
  return async (units, x) => {
    // One thread: a step is too short to share.
    const session = await onnx.InferenceSession.create(lstmModel(units), { intraOpNumThreads: 1 });
    const tensor = (data: Float32Array) => new onnx.Tensor('float32', data, [1, 1, units]);
    let h: unknown = tensor(new Float32Array(units));
    let c = h;
    return async () => {
      const result = await session.run({ X: tensor(x), h0: h, c0: c });
      h = result.h;
      c = result.c;
    };
  };
}

/** An ONNX model of one LSTM node with weights inside, T = B = 1. */
function lstmModel(units: number): Uint8Array {
  const weights = (name: string, dims: readonly number[]) => ({
    name,
    dims: dims.map(BigInt),
    dataType: 1,
    rawData: new Uint8Array(numbers(dims.reduce((count, size) => count * size, 1)).buffer),
  });
  const value = (name: string, dims: readonly number[]) => {
    const dim = dims.map((size) => ({ value: { case: 'dimValue' as const, value: BigInt(size) } }));
    return { name, type: { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } } };
  };
  const node = {
    opType: 'LSTM',
    input: ['X', 'W', 'R', 'B', '', 'h0', 'c0'],
    output: ['Y', 'h', 'c'],
    attribute: [{ name: 'hidden_size', type: 2, i: BigInt(units) }],
  };
  const graph = {
    name: 'lstm',
    node: [node],
    initializer: [weights('W', [1, 4 * units, units]), weights('R', [1, 4 * units, units]), weights('B', [1, 8 * units])],
    input: ['X', 'h0', 'c0'].map((name) => value(name, [1, 1, units])),
    output: [value('Y', [1, 1, 1, units]), value('h', [1, 1, units]), value('c', [1, 1, units])],
  };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 14n }], graph }),
  );
}

await main();
