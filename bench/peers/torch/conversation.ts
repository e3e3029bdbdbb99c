/** A program that answers each line of JSON with one. It is given time, and is ended with whoever asks. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { RecurveError } from '../../../codegen/errors.js';
import { visible } from '../../../codegen/visible.js';

export type Answer = Readonly<Record<string, unknown>>;

/** As much of an unexpected line, or of what stderr ended with, as an error repeats. */
const MOST_TOLD = 200;
const MOST_KEPT = 4096;

export class Conversation {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: Interface;
  /** The end of what it printed beside its answers. */
  private printed = '';
  /** Settles the question that is open. */
  private heard: ((line: string) => void) | undefined;
  private failed: ((problem: string) => void) | undefined;
  /** Why there is nobody to ask any more. */
  private over: string | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly stop = () => this.child.kill('SIGKILL');

  /**
   * @param name of whom the errors speak
   * @param command the program and its arguments
   */
  constructor(
    private readonly name: string,
    private readonly command: readonly [string, ...string[]],
    env: NodeJS.ProcessEnv,
  ) {
    const [program, ...rest] = command;
    this.child = spawn(program, rest, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    process.once('exit', this.stop);
    this.lines = createInterface({ input: this.child.stdout });
    this.lines.on('line', (line) => this.heard?.(line));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.printed = (this.printed + text).slice(-MOST_KEPT);
    });
    // Its end is told where it is noticed, not where a write meets a closed pipe.
    this.child.stdin.on('error', () => {});
    this.child.on('error', ({ message }) => this.end(`does not start: ${message}`));
    this.child.on('close', (code, signal) => this.end(`ended with ${signal ?? `code ${code}`}${this.lastWords()}`));
  }

  /**
   * What it says next, to a question where one is asked; one after the other.
   * @param seconds it may take
   * @throws RecurveError `PEER-FAILED` where it ends, takes longer, or says anything but an object in JSON, and it is ended then; where
   *   it says that something went wrong, too
   */
  ask(seconds: number, question?: object): Promise<Answer> {
    const answer = this.turn.then(() => this.exchange(seconds, question));
    this.turn = answer.catch(() => {});
    return answer;
  }

  private async exchange(seconds: number, question: object | undefined): Promise<Answer> {
    const line = await new Promise<string>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.heard = undefined;
        this.failed = undefined;
      };
      const timer = setTimeout(() => this.end(`gave no answer within ${seconds} s`), 1000 * seconds);
      this.heard = (said) => {
        settle();
        resolve(said);
      };
      this.failed = (problem) => {
        settle();
        reject(this.failure(problem));
      };
      if (this.over !== undefined) this.failed(this.over);
      else if (question !== undefined) this.child.stdin.write(`${JSON.stringify(question)}\n`);
    });
    const answer = objectIn(line);
    if (typeof answer?.error === 'string') throw this.failure(`says: ${visible(answer.error)}`);
    if (answer !== undefined) return answer;
    const problem = `answered with what is no object in JSON: ${visible(line.slice(0, MOST_TOLD))}`;
    this.end(problem);
    throw this.failure(problem);
  }

  /** Ends it, if it has not ended by itself. */
  close(): void {
    this.end('was closed');
  }

  failure(problem: string): RecurveError {
    return new RecurveError({
      code: 'PEER-FAILED',
      message: `${this.name} ${problem}`,
      fix: `Run ${this.command.join(' ')} by itself to see what it lacks, or bench without --against.`,
      where: '--against',
      exitCode: 1,
    });
  }

  private end(problem: string): void {
    if (this.over !== undefined) return;
    this.over = problem;
    process.off('exit', this.stop);
    this.stop();
    this.lines.close();
    this.failed?.(problem);
  }

  private lastWords(): string {
    const [last] = this.printed.trim().split('\n').slice(-1);
    return last === undefined || last === '' ? '' : `: ${visible(last.slice(0, MOST_TOLD))}`;
  }
}

function objectIn(line: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answer) : undefined;
  } catch {
    return undefined;
  }
}
