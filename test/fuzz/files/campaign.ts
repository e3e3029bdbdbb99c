/** Many mutants in a row, in this process. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recurve } from '../../cli/captured.js';
import { Random } from '../random.js';
import { complaintOf, type Mutant } from './mutant.js';
import { onnxMutant } from './onnx.js';
import { requestMutant, safetensorsMutant } from './requests.js';
import { specMutant } from './specs.js';

const MAKERS: Readonly<Record<string, (random: Random, index: number) => Mutant>> = {
  spec: specMutant,
  request: requestMutant,
  safetensors: safetensorsMutant,
  onnx: onnxMutant,
};
export const KINDS: readonly string[] = Object.keys(MAKERS);

export interface MutantReport {
  readonly index: number;
  readonly kind: string;
  readonly outcome: 'refused' | 'right' | 'unjudged' | 'wrong';
  /** Of a wrong one: what is wrong, and the file. */
  readonly message?: string;
}

export function mutant(seed: number, index: number): { readonly kind: string; readonly mutant: Mutant } {
  const kind = KINDS[index % KINDS.length] ?? '';
  const make = MAKERS[kind];
  if (make === undefined) throw new Error(`no kind ${kind}`);
  return { kind, mutant: make(new Random(seed, index), Math.floor(index / KINDS.length)) };
}

/** Runs the mutant of a number and judges what comes of it. */
export async function tryMutant(seed: number, index: number): Promise<MutantReport> {
  const { kind, mutant: each } = mutant(seed, index);
  const scratch = mkdtempSync(join(tmpdir(), 'recurve-mutant-'));
  try {
    const folder = join(scratch, 'work');
    mkdirSync(folder);
    for (const [name, content] of Object.entries(each.files)) writeFileSync(join(folder, name), content);
    const run = (argv: readonly string[]) => recurve(argv, { cwd: folder });
    const ran = await run(each.argv);
    const complaint = complaintOf(ran);
    const wrong = (message: string): MutantReport => ({
      index,
      kind,
      outcome: 'wrong',
      message: described(message, each, ran.stderr),
    });
    if (complaint !== undefined) return wrong(complaint);
    if (ran.code !== 0) return { index, kind, outcome: 'refused' };
    const judgement = await each.judge({ ...ran, folder, recurve: run });
    return typeof judgement === 'object' ? wrong(judgement.complaint) : { index, kind, outcome: judgement };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function described(message: string, { files, argv }: Mutant, stderr: string): string {
  const shown = Object.entries(files).map(([name, content]) =>
    typeof content === 'string' ? `--- ${name}\n${content}` : `--- ${name}, base64\n${Buffer.from(content).toString('base64')}`,
  );
  return [message, `recurve ${argv.join(' ')}`, stderr.slice(0, 600), ...shown].join('\n').slice(0, 8000);
}
