/** What `--help` says below the options. */
import { SWEEP_CELLS, sweepText } from '../bench/suites.js';
import { sizesText } from './arguments.js';

export const EXIT_CODES = `
<cell> is a built-in name (see recurve list) or the path of a *.cell.ts or *.model.ts file.
Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 3 no usable adapter or the device was lost.`;

export const RUN_SIZES = `what the data tell; with --random ${sizesText()}`;

export const STAGES_HELP = `
Stages, in the order of compilation:
  signature  options, dims, tensors and their shapes
  graph      one time step as operations
  adjoint    its gradients as operations
  plan       what runs, in order, and what it costs
  wgsl       the kernels`;

export const CHECK_SIZES = `several of each dim, from 1 to 260; where some are given ${sizesText()}`;

export const CHECK_HELP = `
Without --set every two option values are tried together. With --memory a case that takes more is cut into the fewest segments that fit, or
else step by step; models stay whole. Verdicts:
  agrees            every result within 1e-5 of the float64 reference, each of its units too
  wrong             the kernels are wrong: a defect of recurve
  cannot be judged  the data drawn leave float32 or the domain of a function; declare what may be drawn
                    in the cell, x: vec('H', { range: [0.5, 2] }), or try another --scale
The exit code is 0 where all agree, else 1.`;

export const GRADIENTS_HELP = `
The loss reads the last state alone, by random weights of norm 1. A dim or option that only some
of the cells have is for those. The rate is the slope of the norm's logarithm per step back: below 0 it vanishes.`;

export const BENCH_HELP = `
Where --dims gives some sizes, the others are those of the first default, and a dim that only some of the cells have is for
those. Times are medians of interleaved runs, ± their median absolute deviation; --json has every sample.
--sweep (default: ${SWEEP_CELLS.join(', ')}) begins at ${sweepText()};
--against then times the peer at the most sequences alone.
--against takes what is not installed with recurve, and says how to install it. onnxruntime runs forward alone;
torch (its module), torch-loop and torch-compile are PyTorch, of the python3 that is found first.
--compare takes the report.json of --report, or what --json printed. A time has changed where its median did by more than 5 % and by
more than three times the larger deviation. The exit code is 0 whatever is found.
--passes takes the adapter's timestamps; predictions need a roofline of it, which \`recurve doctor --roofline\` measures.`;

export const TUNE_HELP = `
Every loop is run in every way that its graph allows, in turns; ways whose results are not those of single steps never win.
What is found is one readable file in the user's cache, for this cell, size, adapter, driver and version; open({ tune: true }) of the
library and bench --tune use it. It takes seconds, longer for long sequences; Ctrl+C keeps what was there before.`;

export const DOCTOR_HELP = `
--roofline measures the adapter that --adapter names (default: auto), on a machine that does nothing else best, and keeps what it
finds in the user's cache: \`inspect --stage plan\` and \`bench --passes\` then say how long
each pass should take.`;

export const STREAM_HELP = `
--dims fills the sizes that no tensor of the data has. --dims and --set must agree with the data.
"init": {"seed": 1} in the data draws the parameters that it does not give, as the library's init does.
With --data - each line of stdin is a request with its own "cell" (default: <cell>); each gets one line,
in order: {"ok": true, ...} or {"ok": false, "error": {"code", "message"}}. The exit code is then 0.
A request's "cell" is a built-in name, or a *.cell.ts file below --cells.`;
