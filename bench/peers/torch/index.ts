/**
 * PyTorch, where the host has a `python3` that has it: its own modules, which are cuDNN's on NVIDIA's GPUs, a loop over steps written in
 * its operations, and that loop compiled.
 */
import { join } from 'node:path';
import { RecurveError } from '../../../codegen/errors.js';
import type { Signature } from '../../../codegen/frontend/tree.js';
import { inheritedEnvironment } from '../../../runtime/device/vulkan.js';
import { ownPackage } from '../../../runtime/node/package.js';
import { listed, packData } from '../packed.js';
import type { Peer } from '../peer.js';
import { type PlainCell, plainCell, unevenness } from '../plain.js';
import { Conversation } from './conversation.js';
import { type TorchActivation, type TorchForm, TorchLayer } from './layer.js';

const FORMS = { torch: 'module', 'torch-loop': 'loop', 'torch-compile': 'compile' } as const;
export type TorchName = keyof typeof FORMS;

/** To load it, in seconds: some gigabytes where it brings CUDA. */
const MOST_SECONDS = 180;
/** What a line of JSON takes: a string has less than 2²⁹ characters. */
const MOST_BYTES = 2 ** 27;
const INSTALL = 'pip install torch, for the python3 that is found first';
const MODULES = { rnn: 'RNN', gru: 'GRU', lstm: 'LSTM' } as const;
const ACTIVATIONS: readonly TorchActivation[] = ['sigmoid', 'tanh', 'relu'];

/** What the program says first. */
interface Host {
  readonly torch: string;
  /** The GPU, where PyTorch runs on one. */
  readonly gpu: string | undefined;
  readonly threads: number;
  readonly compiles: boolean;
}

/**
 * Starts PyTorch; where it is not there, or does not start, says so.
 * @param command what is started in its place in tests
 */
export async function openTorch(
  name: TorchName,
  command: readonly [string, ...string[]] = ['python3', join(ownPackage().root, 'bench', 'torch_peer.py')],
  seconds = MOST_SECONDS,
): Promise<Peer | string> {
  const form = FORMS[name];
  const conversation = new Conversation(command[0], command, inheritedEnvironment());
  const host = await hostOf(conversation, seconds);
  if (typeof host === 'string' || (form === 'compile' && !host.compiles)) {
    conversation.close();
    return typeof host === 'string' ? host : `PyTorch ${host.torch} has no torch.compile; install version 2 or newer`;
  }
  return {
    name,
    layer(signature, sizes, data) {
      const uneven = unevenness(data);
      if (uneven !== undefined) return uneven;
      const cell = torchCell(signature, form);
      if (typeof cell === 'string') return cell;
      const packed = packData(cell, signature, sizes, data);
      const bytes = Float32Array.BYTES_PER_ELEMENT * listed(packed).reduce((sum, tensor) => sum + tensor.data.length, 0);
      if (bytes > MOST_BYTES) return `its data have ${bytes} bytes, and at most ${MOST_BYTES} are sent to another process`;
      return new TorchLayer(conversation, cell, form, noteOf(cell, form, host), signature, packed);
    },
    close: () => conversation.close(),
  };
}

async function hostOf(conversation: Conversation, seconds: number): Promise<Host | string> {
  try {
    const { torch, gpu, threads, compiles, missing } = await conversation.ask(seconds);
    if (typeof missing === 'string') return `its python3 does not load it (${missing}); ${INSTALL}`;
    if (typeof torch !== 'string') throw conversation.failure('does not say which PyTorch it has');
    return { torch, gpu: typeof gpu === 'string' ? gpu : undefined, threads: Number(threads), compiles: compiles === true };
  } catch (error) {
    if (error instanceof RecurveError && error.code === 'PEER-FAILED') return `${error.message}; ${INSTALL}`;
    throw error;
  }
}

/** With the gates in PyTorch's order, or a sentence that says why this form has no such cell. */
function torchCell(signature: Signature, form: TorchForm): PlainCell<TorchActivation> | string {
  const cell = plainCell(signature, ({ name }) => ACTIVATIONS.find((own) => own === name));
  if (typeof cell === 'string') return cell;
  const { kind, inner, activations, gates } = cell;
  if (form === 'module') {
    const own = kind === 'rnn' ? activations.filter((name) => name === 'sigmoid') : beyondStandard(activations);
    if (own[0] !== undefined) return `torch.nn.${MODULES[kind]} has no activation ${own[0]} there`;
    if (kind === 'gru' && inner === undefined) return 'torch.nn.GRU resets after the product, not before';
  }
  const [z, r, ...rest] = gates;
  return kind === 'gru' && z !== undefined && r !== undefined ? { ...cell, gates: [r, z, ...rest] } : cell;
}

/** What is not σ for gates, which come first, or tanh for all others. */
const beyondStandard = (activations: readonly TorchActivation[]) =>
  activations.filter((name, at) => name !== (at === 0 ? 'sigmoid' : 'tanh'));

function noteOf({ kind }: PlainCell, form: TorchForm, { torch, gpu, threads }: Host): string {
  const steps = 'a loop over steps in its operations';
  const what = { module: `torch.nn.${MODULES[kind]}`, loop: steps, compile: `torch.compile of ${steps}` }[form];
  const where = gpu === undefined ? `on the processor, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : `on CUDA, ${gpu}`;
  return `${what}, PyTorch ${torch} ${where}; timed in Python until the device is done, forward without autograd`;
}
