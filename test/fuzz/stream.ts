/** One long stream of requests through the built program: every one is answered, in order, and the memory stays flat. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { malformedJson } from '../cli/malformations.js';
import { goodRequest, type RequestJson } from '../cli/requests.js';
import { agree } from './files/mutant.js';
import { runPlainRnn } from './files/plain-rnn.js';
import { Random } from './random.js';

export interface StreamRequest {
  readonly count: number;
  readonly seed: number;
  readonly adapter: string;
  /** Resident memory in MiB, now and then. */
  readonly onProgress: (answered: number, memory: number) => void;
}

export interface StreamReport {
  readonly answered: number;
  readonly good: number;
  readonly refused: number;
  /** What was wrong with answers; empty where all were right. */
  readonly complaints: readonly string[];
  readonly exitCode: number | null;
}

/** Cells and sizes that come again and again: more of them than plans that the program keeps would measure compilation only. */
const USUAL = [
  ['rnn', { T: 4, B: 2, I: 3, H: 5 }],
  ['rnn', { T: 7, B: 3, I: 2, H: 4 }],
  ['rnn', { T: 1, B: 1, I: 4, H: 8 }],
  ['gru', { T: 5, B: 2, I: 3, H: 6 }],
  ['lstm', { T: 3, B: 4, I: 5, H: 4 }],
] as const;
/** One in so many requests is of a cell or a size that was not there before. */
const RARE = 200;
const RARE_CELLS = ['rnn', 'mgu', 'indrnn', 'janet', 'min-gru', 'ugrnn'];
const NOTICED = 5;

interface Sent {
  readonly line: string;
  /** `undefined` where the request may be good or bad: anything that is one answer is right. */
  readonly complaint: (answer: { ok: boolean } & Record<string, unknown>) => string | undefined;
}

export async function runStream({ count, seed, adapter, onProgress }: StreamRequest): Promise<StreamReport> {
  const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'run', '--data', '-', '--adapter', adapter], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting: Sent[] = [];
  const complaints: string[] = [];
  const totals = { answered: 0, good: 0, refused: 0 };
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));

  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const sent = waiting.shift();
      const complaint = sent === undefined ? 'an answer to nothing' : complaintOf(sent, line);
      if (complaint !== undefined && complaints.length < NOTICED) {
        complaints.push(`request ${totals.answered}: ${complaint}\n${sent?.line.slice(0, 2000)}\n${line.slice(0, 2000)}`);
      }
      totals.answered++;
      if (line.startsWith('{"ok":true')) totals.good++;
      else totals.refused++;
      if (totals.answered % 1000 === 0) onProgress(totals.answered, residentMemory(child.pid ?? 0));
    }
  })();
  for (let index = 0; index < count && child.exitCode === null; index++) {
    const sent = request(new Random(seed, index));
    waiting.push(sent);
    if (!child.stdin.write(`${sent.line}\n`)) await new Promise<void>((resolve) => child.stdin.once('drain', resolve));
  }
  child.stdin.end();
  await reading;
  if (waiting.length > 0) complaints.push(`${waiting.length} requests got no answer`);
  return { ...totals, complaints, exitCode: await ended };
}

function complaintOf({ complaint }: Sent, line: string): string | undefined {
  try {
    const answer = JSON.parse(line);
    return typeof answer.ok === 'boolean' ? complaint(answer) : 'an answer that says neither yes nor no';
  } catch (error) {
    return `no JSON: ${error}`;
  }
}

function request(random: Random): Sent {
  if (random.chance(1 / RARE)) {
    const sizes = { T: random.whole(1, 6), B: random.whole(1, 4), I: random.whole(1, 6), H: random.whole(1, 9) };
    return good(random, random.pick(RARE_CELLS), sizes);
  }
  if (random.chance(0.3)) return bad(random);
  const [cell, sizes] = random.pick(USUAL);
  return good(random, cell, sizes);
}

/** Its numbers are its own, so that the answer to another is wrong. */
function good(random: Random, cell: string, sizes: Readonly<Record<string, number>>): Sent {
  const document: RequestJson = { cell, ...goodRequest(cell, {}, { sizes, seed: random.whole(1, 2 ** 31) }) };
  if (random.chance(0.5)) delete document.cotangents;
  return {
    line: JSON.stringify(document),
    complaint(answer) {
      if (!answer.ok) return 'a good request was refused';
      if (cell !== 'rnn') return undefined;
      for (const [path, values] of runPlainRnn(document)) {
        const found = path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], answer);
        if (!agree((found as { data: number[] })?.data ?? [], values)) return `${path} is wrong`;
      }
      return undefined;
    },
  };
}

function bad(random: Random): Sent {
  const rnn: RequestJson = { cell: 'rnn', ...goodRequest('rnn') };
  const line = random.weighted<[number, () => string]>(
    [
      [
        8,
        () =>
          malformedJson(rnn, () => random.next())
            .replace(/\s+/g, ' ')
            .trim() || 'null',
      ],
      [1, () => JSON.stringify({ ...rnn, cell: random.pick(['ltsm', '../../etc/passwd', '__proto__', '']) })],
      [1, () => JSON.stringify({ ...rnn, options: { activation: random.pick(['rleu', '', 'constructor']) } })],
    ],
    ([weight]) => weight,
  )[1]();
  return { line, complaint: (answer) => (!answer.ok && !('error' in answer) ? 'a refusal without an error' : undefined) };
}

/** MiB, of a process on Linux. */
function residentMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
