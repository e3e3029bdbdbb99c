/**
 * Where stderr is a file or a socket, this process cannot put it aside while Dawn prints its warnings (runtime/device/shield.ts says
 * why). Then the command runs in a process of its own, whose stderr is a pipe to this one, which leaves them out.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { needsRelay, WithoutWarnings } from '../runtime/device/shield.js';

/** In the environment of the process that is relayed. */
const RELAYED = 'RECURVE_RELAYED';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Whether somebody else must leave the warnings out. */
export const wantsRelay = (): boolean => process.env[RELAYED] === undefined && needsRelay();

/** Runs the command that this process was asked for, and ends as it does. */
export async function relay(): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'pipe', 'ipc'],
    env: { ...process.env, [RELAYED]: '1' },
  });
  // A terminal tells both by itself.
  const told = isatty(0) || isatty(1) ? SIGNALS.slice(1) : SIGNALS;
  const ignore = () => {};
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, told.includes(signal) ? forward : ignore);
  // A full disk, or a reader who is gone: the command's exit code still says what it found.
  process.stderr.on('error', ignore);
  child.stderr?.pipe(new WithoutWarnings()).pipe(process.stderr);
  const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  for (const each of SIGNALS) process.removeListener(each, told.includes(each) ? forward : ignore);
  process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  if (signal !== null) process.kill(process.pid, signal);
}

/** In the relayed process: ends with the one that relays it, and otherwise does not wait for it. */
export function followRelay(): void {
  const relayed = process.env[RELAYED] !== undefined;
  // What this process starts is not relayed by anybody.
  delete process.env[RELAYED];
  if (!relayed || process.channel == null) return;
  process.once('disconnect', () => process.exit(128 + constants.signals.SIGHUP));
  process.channel.unref();
}
