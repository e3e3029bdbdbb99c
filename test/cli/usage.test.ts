import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SHAPES } from '../../bench/suites.js';
import { planCheck } from '../../runtime/check/index.js';
import { loadChecked } from '../../runtime/node/cells.js';
import { documentOf, recurve, scratchFolder } from './harness.js';

const scratch = scratchFolder();

interface Document {
  readonly sizes?: object;
  readonly cells?: readonly { readonly dims: object }[];
  readonly outputs?: { readonly h: { readonly shape: readonly number[] } };
}

const help = await recurve(['--help']);
/** As the command line lists them. */
const COMMANDS = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name).filter((name) => name !== 'help');

describe('usage', () => {
  it('lists the commands, what a cell is and the exit codes under --help', () => {
    expect(help.code).toBe(0);
    expect(help.stderr).toBe('');
    expect(COMMANDS).toEqual(expect.arrayContaining(['new', 'check', 'run']));
    expect(help.stdout).toContain('Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 3 no usable adapter');
  });

  it('has a row in the table of the README for every command', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(COMMANDS.filter((command) => !readme.includes(`| \`recurve ${command}`))).toEqual([]);
  });

  it.each(COMMANDS)('%s --help tells its options', async (command) => {
    const { code, stdout } = await recurve([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: recurve ${command}`);
    expect(stdout).toContain('--json');
    expect(stdout).toContain('--adapter');
  });

  /** Of one command's --help. */
  const defaultDims = async (command: string) => {
    const { stdout } = await recurve([command, '--help']);
    return /--dims .*?\(default (.*?)\)/.exec(stdout.replace(/\s+/g, ' '))?.[1] ?? '';
  };
  const sizesIn = (text: string) =>
    Object.fromEntries([...text.matchAll(/([A-Z])=(\d+)/g)].map(([, dim = '', size]) => [dim, Number(size)]));

  it.each([
    ['inspect', ['--stage', 'signature'], (document: Document) => document.sizes],
    ['generate', ['--out', 'default-dims'], (document: Document) => document.cells?.[0]?.dims],
    ['gradients', ['--reference'], (document: Document) => document.cells?.[0]?.dims],
  ] as const)('%s takes the sizes that its --help calls the default ones', async (command, argv, sizes) => {
    const told = await defaultDims(command);
    const ran = await recurve([command, 'rnn', ...argv, '--json'], { cwd: scratch });
    expect(sizesIn(told)).toEqual(sizes(documentOf(ran) as Document));
    expect(told).toMatch(/, any other 16$/);
  });

  it('tells the sizes of bench from its suite, and those of check', async () => {
    const told = (await defaultDims('bench')).split('; then ').map((text) => [sizesIn(text), / any other (\d+)/.exec(text)?.[1]]);
    expect(told).toEqual(SHAPES.map(({ T, B, width }) => [{ T, B }, String(width)]));
    const tree = loadChecked('lstm', scratch);
    const tried = planCheck(tree, {}).cases.flatMap(({ sizes }) => Object.values(sizes));
    expect(await defaultDims('check')).toContain(`from ${Math.min(...tried)} to ${Math.max(...tried)}`);
  });

  it('prints its help where no command is named, and is content', async () => {
    expect(await recurve([])).toEqual(help);
    expect(JSON.parse((await recurve(['--json'])).stdout)).toEqual({ help: help.stdout });
  });

  it.each(COMMANDS)('help %s is what %s --help says', async (command) => {
    expect(await recurve(['help', command])).toEqual(await recurve([command, '--help']));
  });

  it('prints the version of the package', async () => {
    expect((await recurve(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['help', 'chekc'], "unknown command 'chekc'"],
    [['chekc'], "unknown command 'chekc'"],
    [['list', '--colour'], "unknown option '--colour'"],
    [['doctor', 'lstm'], "too many arguments for 'doctor'. Expected 0 arguments but got 1."],
    [['new'], "missing required argument 'name'"],
    [['generate', 'lstm'], "required option '--out <dir>' not specified"],
    [['inspect', 'lstm', '--stage', 'wsgl'], "argument 'wsgl' is invalid"],
    [['check', 'lstm', '--adapter', 'gpu'], "argument 'gpu' is invalid"],
    [['bench', '--against', 'theano'], "argument 'theano' is invalid"],
  ])('%j ends with exit code 2 and two lines', async (argv, message) => {
    const { code, stdout, stderr } = await recurve(argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^error USAGE: .+\nfix: .+\n$/);
  });

  it('inspects the plan where no stage is named, and says which there are', async () => {
    const ran = await recurve(['inspect', 'rnn', '--json']);
    expect(ran).toEqual(await recurve(['inspect', 'rnn', '--stage', 'plan', '--json']));
    const { stdout } = await recurve(['inspect', '--help']);
    for (const stage of ['signature', 'graph', 'adjoint', 'plan', 'wgsl'])
      expect(stdout).toMatch(new RegExp(`^  ${stage} +\\S`, 'm'));
  });

  it('says of `run` that its sizes come from the data', async () => {
    expect(await defaultDims('run')).toMatch(/^what the data tell; with --random T=16,/);
  });

  it('asks for digits where a size is written with an exponent', async () => {
    const { code, stderr } = await recurve(['inspect', 'rnn', '--dims', 'H=1e3']);
    expect(code).toBe(2);
    expect(stderr).toContain(
      'the size 1e3; a size is a whole number from 1 to 2147483647, written in digits without an exponent',
    );
  });

  it('suggests the command that was meant', async () => {
    expect((await recurve(['chekc'])).stderr).toContain('Did you mean check?');
  });

  it.each([
    ['T', 'DIMS-SYNTAX'],
    ['T=', 'DIMS-SYNTAX'],
    ['T=1,', 'DIMS-SYNTAX'],
    ['T=0', 'DIMS-SIZE'],
    ['T=-3', 'DIMS-SIZE'],
    ['T=1.5', 'DIMS-SIZE'],
    ['T=1e9', 'DIMS-SIZE'],
    ['T=99999999999', 'DIMS-SIZE'],
    ['T=1,T=2', 'DIMS-TWICE'],
    ['Q=4', 'DIMS-UNKNOWN'],
  ])('refuses --dims %s with %s', async (dims, code) => {
    const ran = await recurve(['inspect', 'rnn', '--stage', 'signature', '--dims', dims, '--json']);
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code } });
  });

  it.each([
    ['activation', 'SET-SYNTAX'],
    ['=relu', 'SET-SYNTAX'],
    ['activation=rleu', 'OPTION-VALUE'],
    ['activaton=relu', 'OPTION-UNKNOWN'],
    ['clip=-1', 'OPTION-RANGE'],
  ])('refuses --set %s with %s', async (set, code) => {
    const ran = await recurve(['inspect', 'rnn', '--stage', 'signature', '--set', set, '--json']);
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code } });
  });

  it('refuses an option that is given twice', async () => {
    const twice = await recurve(['inspect', 'rnn', '--set', 'activation=relu', '--set', 'activation=tanh', '--json']);
    expect(documentOf(twice)).toMatchObject({ error: { code: 'SET-TWICE' } });
  });

  it('suggests the built-in cell that was meant', async () => {
    const { code, stderr } = await recurve(['inspect', 'ltsm', '--stage', 'signature']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error CELL-UNKNOWN: there is no built-in cell or model "ltsm" among the \d+\nfix: Did you mean lstm\?\n$/,
    );
  });

  it('prints an error as one JSON document on stdout with --json, and nothing else there', async () => {
    const ran = await recurve(['check', 'nowhere/mine.cell.ts', '--json']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toBe('');
    expect(ran.stdout.trimEnd()).not.toContain('\n');
    expect(documentOf(ran)).toEqual({
      error: {
        code: 'CELL-FILE',
        message: 'there is no file nowhere/mine.cell.ts',
        fix: expect.any(String),
        where: 'nowhere/mine.cell.ts',
      },
    });
  });

  it('does the same for an error of usage', async () => {
    const ran = await recurve(['list', '--colour', '--json']);
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('calls anything unforeseen a defect of its own, in two lines, with the stack only on demand', async () => {
    async function* stdin(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('');
      throw new TypeError('the pipe is\non fire');
    }
    const argv = ['run', '--data', '-', '--reference'];
    expect(await recurve(argv, { stdin: stdin() })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'internal error: the pipe is on fire\n' +
        'This is a defect of recurve; please report it with the stack that RECURVE_DEBUG=1 prints.\n',
    });
    const debugged = await recurve(argv, { stdin: stdin(), env: { RECURVE_DEBUG: '1' } });
    expect(debugged.stderr).toMatch(/^TypeError: the pipe is\non fire\n +at /);
    const json = await recurve([...argv, '--json'], { stdin: stdin() });
    expect(documentOf(json)).toMatchObject({ error: { code: 'INTERNAL' } });
  });
});
