/** Damaged ONNX models. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { damageBytes } from '../../interop/mutations.js';
import { initializers, modelBytes, type Op, recurrent, weightsOf } from '../../interop/onnx-models.js';
import type { Random } from '../random.js';
import type { Answer, Judgement, Mutant } from './mutant.js';

const OPS: readonly Op[] = ['LSTM', 'GRU', 'RNN'];

export function onnxMutant(random: Random, index: number): Mutant {
  const op = random.pick(OPS);
  const weights = weightsOf(op, { seed: 1 + (index % 7) });
  const good = modelBytes({
    node: [recurrent(op, op === 'GRU' ? { linear_before_reset: random.whole(0, 1) } : {})],
    initializer: initializers(weights),
  });
  const bytes = damageBytes(good, () => random.next());
  return {
    files: { 'model.onnx': bytes },
    argv: ['import', 'model.onnx', '--out', 'weights.safetensors'],
    judge: (answer) => judge(answer, bytes),
  };
}

/** What was imported are the bytes of the initializers that the node names. */
function judge({ folder }: Answer, bytes: Uint8Array): Judgement {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const nodes = graph?.node.filter(({ opType }) => (OPS as readonly string[]).includes(opType)) ?? [];
  const [node] = nodes;
  if (nodes.length !== 1 || node === undefined) return 'unjudged';
  const out = join(folder, 'weights.safetensors');
  if (!existsSync(out)) return { complaint: 'exit code 0 and no weights' };
  const file = readFileSync(out);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  for (const [input, name] of [
    [1, 'W'],
    [2, 'R'],
    [3, 'B'],
  ] as const) {
    const named = node.input[input] ?? '';
    const found = graph?.initializer.filter((tensor) => tensor.name === named) ?? [];
    const entry = header[`weights.${name}`];
    if (named === '' && entry === undefined) continue;
    const [tensor] = found;
    if (found.length !== 1 || tensor === undefined || tensor.dataType !== 1 || tensor.rawData.length === 0) return 'unjudged';
    if (entry === undefined) return { complaint: `${name} was left out` };
    const [from, to] = entry.data_offsets;
    if (!file.subarray(8 + length + from, 8 + length + to).equals(tensor.rawData))
      return { complaint: `${name} is not what the file holds` };
  }
  return 'right';
}
