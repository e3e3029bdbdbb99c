import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { newCellSource } from '../../cli/new-cell.js';
import { writeSafetensors } from '../../runtime/interop/index.js';
import { type Ran, recurve, scratchFolder } from './harness.js';
import { malformedJson, malformedSafetensors, malformedSpec, seeded } from './malformations.js';
import { goodRequest, type TensorsJson } from './requests.js';

const cwd = scratchFolder();
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const rnn = goodRequest('rnn');
const spec = newCellSource('mine');
const safetensors = writeSafetensors(
  Object.fromEntries(
    Object.entries({ inputs: rnn.inputs, state: rnn.state, params: rnn.params }).flatMap(
      ([group, tensors]: [string, TensorsJson]) =>
        Object.entries(tensors).map(([name, { shape, data }]) => [`${group}.${name}`, { shape, data: Float32Array.from(data) }]),
    ),
  ),
);

type Kind = 'json' | 'safetensors' | 'spec';

/** Writes the malformed file numbered so and gives the command line that reads it. */
function prepare(kind: Kind, index: number): { argv: string[]; content: string | Uint8Array } {
  const stream = seeded(1000 * index + 17);
  // The first draws of neighbouring seeds are alike.
  for (let skipped = 0; skipped < 8; skipped++) stream();
  const content =
    kind === 'json'
      ? malformedJson(rnn, stream)
      : kind === 'safetensors'
        ? malformedSafetensors(safetensors, stream)
        : malformedSpec(spec, stream);
  const name = kind === 'spec' ? `spoilt${index}.cell.ts` : `spoilt${index}.${kind}`;
  writeFileSync(join(cwd, name), content);
  const argv =
    kind === 'spec'
      ? ['generate', name, '--out', `out${index}`]
      : ['run', 'rnn', '--data', name, '--reference', '--out', `out${index}.${index % 2 === 0 ? 'json' : 'safetensors'}`];
  return { argv, content };
}

/** What is wrong with a refusal: it takes exit code 2, a reason of one line, no stack, nothing on stdout. */
function complaint(kind: Kind, { code, stdout, stderr }: Ran, content: string | Uint8Array): string[] {
  const reason =
    kind === 'spec'
      ? /^(.+:\d+:\d+ {2}SPEC-[A-Z0-9-]+ {2}.+|error SPEC-[A-Z0-9-]+: .+)$/m
      : /^error [A-Z0-9-]+: [^\n]+\n(fix: [^\n]+\n)?$/;
  const right = code === 2 && stdout === '' && reason.test(stderr) && !/internal error|^ +at .*\(/m.test(stderr);
  return right ? [] : [`exit code ${code}: ${stdout}${stderr}--- from\n${Buffer.from(content).toString('utf8').slice(0, 3000)}`];
}

function expectNothingWritten(): void {
  expect(readdirSync(cwd).filter((name) => !name.startsWith('spoilt'))).toEqual([]);
}

describe('malformed files', () => {
  it.each([
    ['json', 500],
    ['safetensors', 150],
    ['spec', 350],
  ] as const)(
    '%s: each of %i ends with exit code 2 and one reason',
    async (kind, count) => {
      const reasons = new Set<string>();
      const complaints: string[] = [];
      for (let index = 0; index < count; index++) {
        const { argv, content } = prepare(kind, index);
        const begin = performance.now();
        const ran = await recurve(argv, { cwd });
        expect(performance.now() - begin, 'no hang').toBeLessThan(10_000);
        complaints.push(...complaint(kind, ran, content));
        reasons.add(/[A-Z]+-[A-Z-]+/.exec(ran.stderr)?.[0] ?? '');
      }
      expect(complaints.join('\n\n').slice(0, 6000)).toBe('');
      expectNothingWritten();
      // They fail for many reasons, not all for one that hides the others.
      expect(reasons.size).toBeGreaterThan(8);
    },
    300_000,
  );

  it('are refused the same way by a real process', () => {
    if (!existsSync(MAIN)) throw new Error('build first: npm run build');
    for (let index = 0; index < 20; index++) {
      const kind = (['json', 'safetensors', 'spec'] as const)[index % 3] ?? 'json';
      const { argv, content } = prepare(kind, 5000 + index);
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], { cwd, encoding: 'utf8', timeout: 30_000 });
      expect(complaint(kind, { code: status ?? -1, stdout, stderr }, content)).toEqual([]);
    }
    expectNothingWritten();
  }, 300_000);
});
