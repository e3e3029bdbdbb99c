/** A command line from its arguments to its end: one way out for results and errors. */
import { CommanderError } from 'commander';
import { RecurveError } from '../codegen/errors.js';
import { reasonOf } from '../codegen/read-file.js';
import { visibleJson } from '../codegen/visible.js';
import { buildProgram, type Run } from './commands.js';
import { type Context, createContext, type Outcome, shownText } from './context.js';
import type { Io } from './io.js';
import { type CliExit, reportError } from './report.js';

/**
 * Runs one command line to its end.
 * @returns the exit code: 0 done, 1 a check failed, 2 bad usage or input, 3 no usable adapter or the device was lost.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<CliExit> {
  const end = argv.indexOf('--');
  const form = (end < 0 ? argv : argv.slice(0, end)).includes('--json') ? 'json' : 'text';
  let help = '';
  let outcome: Outcome | undefined;
  let context: Context | undefined;
  const run: Run = async (flags, command) => {
    context = createContext(io, flags.adapter ?? 'auto');
    outcome = await command(context);
  };
  const program = buildProgram(run, (text) => {
    help += text;
  });
  return settle(io, await attempt());

  async function attempt(): Promise<CliExit> {
    try {
      // Nobody who names no command has made a mistake.
      const asked = argv.every((argument) => argument === '--json') ? ['--help'] : [...argv];
      await program.parseAsync(asked, { from: 'user' });
    } catch (error) {
      context?.clearProgress();
      if (!(error instanceof CommanderError)) return reportError(error, io, form);
      if (error.exitCode !== 0) return reportError(usageError(error, argv), io, form);
      await io.stdout.write(form === 'json' ? `${JSON.stringify({ help })}\n` : help);
      return 0;
    }
    context?.clearProgress();
    if (outcome === undefined) return 0;
    const text =
      form === 'json' && outcome.document !== undefined
        ? visibleJson(JSON.stringify(outcome.document))
        : shownText(outcome.text, io);
    if (text !== '') await io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    return outcome.exitCode ?? 0;
  }
}

/**
 * The exit code survives an output that fails. A reader that went away had what it wanted (`recurve list | head -1`);
 * results that a full disk swallowed are lost, and that is said.
 */
async function settle(io: Io, code: CliExit): Promise<CliExit> {
  const { failure } = io.stdout;
  if (failure === undefined || failure.code === 'EPIPE') return code;
  const error = new RecurveError({
    code: 'OUT-WRITE',
    message: `stdout cannot be written: ${reasonOf(failure)}`,
    fix: 'Make room, or redirect stdout elsewhere.',
    where: 'stdout',
  });
  await reportError(error, io, 'text');
  return code === 0 ? error.exitCode : code;
}

/** Commander's own complaint, as one of ours. */
function usageError(error: CommanderError, argv: readonly string[]): RecurveError {
  const first = argv[0];
  const command = first === undefined || first.startsWith('-') || error.code === 'commander.unknownCommand' ? '' : ` ${first}`;
  const fix = `See \`recurve${command} --help\`.`;
  // Only `help` of a command that there is not comes here.
  if (error.code === 'commander.help') {
    const known = `See \`recurve --help\`.`;
    return new RecurveError({ code: 'USAGE', message: `unknown command '${argv[1]}'`, fix: known, where: 'help' });
  }
  const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const hint = more
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  const where = command === '' ? 'recurve' : `recurve${command}`;
  return new RecurveError({ code: 'USAGE', message, fix: hint === '' ? fix : `${hint} ${fix}`, where });
}
