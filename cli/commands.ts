/** The commands with their options; each is imported when it runs. */
import { Command, Option } from 'commander';
import { PEER_NAMES } from '../bench/peers/peer.js';
import { shapesText } from '../bench/suites.js';
import { LOOP_STRATEGIES } from '../codegen/plan.js';
import type { AdapterChoice } from '../runtime/device/index.js';
import { FRAMEWORK_NAMES, WEIGHT_FORMATS } from '../runtime/interop/types.js';
import { ownPackage } from '../runtime/node/package.js';
import {
  CLIP,
  collectDims,
  collectNames,
  collectSet,
  collectStrategies,
  dimsHelp,
  GRADIENT_SIZES,
  parseMaxLine,
  parseMemory,
  SCALE,
  sizesText,
  wholeNumber,
} from './arguments.js';
import type { BenchFlags } from './bench.js';
import type { CheckFlags } from './check.js';
import type { Context, Outcome } from './context.js';
import type { DoctorFlags } from './doctor.js';
import type { Flags } from './flags.js';
import type { GenerateFlags } from './generate.js';
import type { GradientFlags } from './gradients.js';
import {
  BENCH_HELP,
  CHECK_HELP,
  CHECK_SIZES,
  DOCTOR_HELP,
  EXIT_CODES,
  GRADIENTS_HELP,
  RUN_SIZES,
  STAGES_HELP,
  STREAM_HELP,
  TUNE_HELP,
} from './help.js';
import type { ImportFlags } from './import.js';
import type { NewFlags } from './new.js';
import type { RunFlags } from './run.js';
import { STAGES, type Stage } from './stages.js';
import type { TuneFlags } from './tune.js';

const ADAPTERS: readonly AdapterChoice[] = ['auto', 'hardware', 'lavapipe', 'swiftshader'];

/** Runs what a command line asks for. */
export type Run = (flags: Pick<Flags, 'adapter'>, command: (context: Context) => Promise<Outcome>) => Promise<void>;

/** Commands are imported when they run: parsing TypeScript and opening Dawn each cost a good part of a second. */
export function buildProgram(run: Run, writeHelp: (text: string) => void): Command {
  const program = new Command('recurve')
    .description('Compiles a recurrent cell, written as a plain TypeScript function, into fused WebGPU kernels.')
    .version(ownPackage().version)
    .helpCommand('help [command]', 'the options of a command')
    .exitOverride()
    .configureOutput({ writeOut: writeHelp, writeErr: () => {} })
    .addHelpText('after', EXIT_CODES);
  // Subcommands copy these settings when they are made.
  const add = (usage: string, description: string) =>
    program
      .command(usage)
      .description(description)
      .option('--json', 'print one JSON document on stdout and nothing else there')
      .addOption(new Option('--adapter <which>', 'which adapter to use (default: auto, the best there is)').choices(ADAPTERS));
  const addCompiling = (usage: string, description: string, defaults = sizesText()) =>
    add(usage, description)
      .option('--dims <sizes>', dimsHelp(defaults), collectDims)
      .option('--set <option=value>', "one of the cell's options; repeatable", collectSet);
  const strategy = () =>
    new Option('--strategy <name>', 'how loops over time run (default: as each loop and the adapter suggest)').choices(
      LOOP_STRATEGIES,
    );
  const memory = () =>
    new Option(
      '--memory <size>',
      'device memory, such as 256MiB: sequences of a cell that take more are cut into segments',
    ).argParser(parseMemory);

  add('new <name>', 'write a commented <name>.cell.ts that checks and runs as it is')
    .option('--model', 'a model, <name>.model.ts: a whole network of layers')
    .option(
      '--from <cell>',
      'start from a copy of this cell or model, a built-in name or a path, and of the helpers that it imports',
    )
    .action((name: string, flags: NewFlags) =>
      run(flags, async (context) => (await import('./new.js')).newSpec(context, name, flags)),
    );
  add(
    'list [cell...]',
    'the built-in cells and models, a line each; those named, or `all`, in full: equations, options, tensors, source',
  ).action((cells: string[], flags: Flags) =>
    run(flags, async (context) => (await import('./list.js')).list(context, cells, flags)),
  );
  addCompiling('generate <cell...>', 'write the WGSL, the plan and a typed module of each cell')
    .requiredOption('--out <dir>', 'the folder to write into; each cell gets a folder of its own name')
    .option('--trace <name>', 'a value of the step that the plan also gives for every step; repeatable', collectNames)
    .option('--clip <limit>', "limit every element of the state's cotangent at each step back", CLIP)
    .addOption(strategy())
    .addOption(memory())
    .addHelpText('after', '\nWithout --adapter the kernels are made for the limits that WebGPU guarantees everywhere.')
    .action((cells: string[], flags: GenerateFlags) =>
      run(flags, async (context) => (await import('./generate.js')).generate(context, cells, flags)),
    );
  addCompiling(
    'check <cell...>',
    'compare the kernels with the float64 reference on this adapter; `all` for everything built in',
    CHECK_SIZES,
  )
    .option('--all', 'every two option values together, where they are so many that otherwise a sample is taken')
    .option('--scale <factor>', 'multiply the inputs, initial states and parameters that are drawn', SCALE)
    .addOption(strategy())
    .addOption(memory())
    .addHelpText('after', CHECK_HELP)
    .action((cells: string[], flags: CheckFlags) =>
      run(flags, async (context) => (await import('./check.js')).check(context, cells, flags)),
    );
  addCompiling('run [cell]', 'run one batch of sequences forward, and backward where cotangents are given', RUN_SIZES)
    .option('--data <file>', 'the batch, .json or .safetensors; `-` for one JSON request a line on stdin')
    .option('--random', 'in place of --data: draw inputs and states as `check` does, parameters as the cell declares them')
    .option('--seed <number>', 'with --random: of everything that is drawn (default: 1)', wholeNumber)
    .option(
      '--weights <file>',
      'parameters from a file: of `recurve import`, those that a program saved, or a safetensors, .h5, .keras, .npz or .pt of a framework',
    )
    .option('--prefix <text>', 'with --weights: what the names of the layer start with, where a file holds several')
    .option('--layer <name>', 'with --weights: the layer and direction of a PyTorch file, such as l0 or l1_reverse')
    .addOption(
      new Option('--format <framework>', 'with --weights: whose layer it is, where the names leave that open').choices(
        WEIGHT_FORMATS,
      ),
    )
    .option('--out <file>', 'where the results go, .json or .safetensors (default: JSON on stdout)')
    .option('--max-line <size>', 'with --data -: the longest request, such as 256MB (default 64MB)', parseMaxLine)
    .option('--cells <dir>', 'with --data -: where the *.cell.ts files lie that requests may name (default: the working folder)')
    .option('--reference', 'run the float64 reference; needs no adapter')
    .addOption(strategy())
    .addOption(memory())
    .addHelpText('after', STREAM_HELP)
    .action((cell: string | undefined, flags: RunFlags) =>
      run(flags, async (context) => (await import('./run.js')).run(context, cell, flags)),
    );
  add(
    'import <model>',
    'list the recurrent layers of an ONNX, PyTorch or Keras file, or write the weights of one or of a whole stack',
  )
    .option('--list', 'list nodes and stacks, which is also what happens without --out')
    .option(
      '--node <name>',
      'of an ONNX file: the node, by its path, or with --stack the last of its nodes (default: the only one)',
    )
    .addOption(new Option('--direction <which>', 'which half of a bidirectional node').choices(['forward', 'reverse']))
    .option('--stack', 'all layers and directions, for `run stack`; the default where all nodes of a model follow each other')
    .option('--prefix <text>', 'of a checkpoint: what the names of the module, or of the first layer, start with')
    .addOption(
      new Option('--format <framework>', 'of a checkpoint: whose it is, where the names leave that open').choices(
        FRAMEWORK_NAMES,
      ),
    )
    .addOption(
      new Option('--as <framework>', 'write a stack in this layout, under its names').choices(['torch', 'onnx', 'keras']),
    )
    .option('--out <file>', 'the .safetensors file to write, for `recurve run --weights`')
    .action((model: string, flags: ImportFlags) =>
      run(flags, async (context) => (await import('./import.js')).importModel(context, model, flags)),
    );
  addCompiling('inspect <cell>', 'print one form of a cell on its way from spec to kernels')
    .addOption(new Option('--stage <stage>', 'which form').choices(STAGES).default('plan'))
    .addOption(strategy())
    .addOption(memory())
    .addHelpText('after', STAGES_HELP)
    .action((cell: string, flags: Flags & { stage: Stage }) =>
      run(flags, async (context) => (await import('./inspect.js')).inspect(context, cell, flags)),
    );
  addCompiling(
    'gradients <cell...>',
    'how gradients flow back through time: ‖∂L/∂h‖ at every step, cells side by side',
    sizesText(GRADIENT_SIZES),
  )
    .option('--state <name>', "the state whose cotangent is measured and that the loss reads (default: the cell's first)")
    .option('--trace <name>', 'a value of the step to show over time; repeatable', collectNames)
    .option('--random', 'draw the parameters as the cell declares them, which is also what happens without --weights')
    .option('--seed <number>', 'of everything that is drawn (default: 1)', wholeNumber)
    .option('--scale <factor>', 'multiply the parameters that are drawn', SCALE)
    .option('--clip <limit>', "limit every element of the state's cotangent at each step back", CLIP)
    .option('--weights <file>', 'parameters from a file, for one cell; see `recurve run --help`')
    .option('--prefix <text>', 'with --weights: what the names of the layer start with')
    .option('--layer <name>', 'with --weights: the layer and direction of a PyTorch file')
    .addOption(new Option('--format <framework>', 'with --weights: whose layer it is').choices(WEIGHT_FORMATS))
    .option('--out <file>', 'also write a picture, .svg or .html, or .json')
    .option('--reference', 'compute in float64 on the processor; needs no adapter')
    .addHelpText('after', GRADIENTS_HELP)
    .action((cells: string[], flags: GradientFlags) =>
      run(flags, async (context) => (await import('./gradients.js')).gradients(context, cells, flags)),
    );
  addCompiling('bench [cell...]', 'time cells and models on this adapter (default: lstm and gru)', shapesText())
    .addOption(new Option('--against <peer>', 'time the same in a peer, interleaved').choices(PEER_NAMES))
    .option(
      '--strategy <names>',
      'how loops over time run; several, such as thread,stepwise, are timed in turns',
      collectStrategies,
    )
    .addOption(memory())
    .option('--tune', 'time the fastest way that `recurve tune` found, or finds now')
    .option('--sweep', 'time steps, sequences and widths growing one after the other, by every strategy')
    .option('--report <dir>', 'also write report.json and report.html there: every sample, and a page of pictures')
    .option('--compare <file>', 'say what changed beyond noise since an earlier report')
    .addOption(
      new Option('--passes', 'time each pass of a training step by itself, beside its prediction').conflicts([
        'against',
        'tune',
        'sweep',
        'report',
        'compare',
        'memory',
      ]),
    )
    .addHelpText('after', BENCH_HELP)
    .action((cells: string[], flags: BenchFlags) =>
      run(flags, async (context) => (await import('./bench.js')).bench(context, cells, flags)),
    );
  addCompiling('tune <cell...>', 'find the fastest way to run the loops over time on this adapter, and keep it', shapesText())
    .option('--forward', 'for runs that never go backward')
    .addHelpText('after', TUNE_HELP)
    .action((cells: string[], flags: TuneFlags) =>
      run(flags, async (context) => (await import('./tune.js')).tune(context, cells, flags)),
    );
  add('doctor', 'adapters, features and limits, what is missing and how to get it')
    .option('--roofline', 'measure how fast the adapter computes, moves memory and dispatches, some seconds, and keep it')
    .addHelpText('after', DOCTOR_HELP)
    .action((flags: DoctorFlags) => run(flags, async (context) => (await import('./doctor.js')).doctor(context, flags)));
  return program;
}
