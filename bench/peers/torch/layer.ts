/** A cell in PyTorch, in a process of its own. */
import type { Signature } from '../../../codegen/frontend/tree.js';
import type { CellResult, Tensor } from '../../../runtime/data.js';
import { FirstRuns } from '../first-runs.js';
import { fromList, type PackedData, unpackResult } from '../packed.js';
import type { PeerLayer } from '../peer.js';
import type { PlainCell } from '../plain.js';
import type { Answer, Conversation } from './conversation.js';

/** The three ways in which its users write a cell. */
export type TorchForm = 'module' | 'loop' | 'compile';
export type TorchActivation = 'sigmoid' | 'tanh' | 'relu';

/** Of building a layer or running it once, in seconds: to compile a loop of many steps takes minutes. */
const MOST_SECONDS = 900;

let layers = 0;

export class TorchLayer implements PeerLayer {
  lastMs: number | undefined;
  private readonly id = layers++;
  private readonly first = new FirstRuns();
  private readonly built: Promise<Answer>;

  constructor(
    private readonly conversation: Conversation,
    private readonly cell: PlainCell<TorchActivation>,
    private readonly form: TorchForm,
    private readonly about: string,
    private readonly signature: Signature,
    data: PackedData,
  ) {
    const { kind, inner, activations } = cell;
    this.built = this.ask('build', {
      cell: kind,
      reset: inner === undefined ? 'before' : 'after',
      activations,
      form,
      tensors: sent(data),
    });
    // Whoever runs it first hears of it.
    this.built.catch(() => {});
  }

  get note(): string {
    return this.form === 'compile' ? this.first.noteAfter(this.about) : this.about;
  }

  forward(): Promise<void> {
    return this.run('forward', 'forward');
  }

  forwardBackward(): Promise<void> {
    return this.run('both', 'forward and backward');
  }

  async read(): Promise<CellResult> {
    const begin = performance.now();
    const { h, finals, gradients } = await this.ask('read');
    this.first.record('forward and backward', performance.now() - begin);
    return unpackResult(this.cell, this.signature, {
      h: this.received(h),
      finals: this.several(finals),
      gradients: fromList(this.cell, this.several(gradients)),
    });
  }

  dispose(): void {
    // It may have ended by now.
    this.ask('drop').catch(() => {});
  }

  private async run(what: 'forward' | 'both', kind: string): Promise<void> {
    const { ms } = await this.ask(what);
    if (typeof ms !== 'number') throw this.conversation.failure('answered without a time');
    this.lastMs = ms;
    this.first.record(kind, ms);
  }

  private async ask(what: 'build' | 'drop' | 'forward' | 'both' | 'read', more: object = {}): Promise<Answer> {
    if (what !== 'build') await this.built;
    return this.conversation.ask(MOST_SECONDS, { do: what, layer: this.id, ...more });
  }

  private several(value: unknown): Tensor[] {
    if (!Array.isArray(value)) throw this.conversation.failure('answered without the tensors that it was asked for');
    return value.map((each) => this.received(each));
  }

  private received(value: unknown): Tensor {
    const { shape, data } = Object(value) as { readonly shape?: unknown; readonly data?: unknown };
    if (!Array.isArray(shape) || typeof data !== 'string')
      throw this.conversation.failure('answered without a tensor that it was asked for');
    const bytes = Buffer.from(data, 'base64');
    return { shape: shape.map(Number), data: new Float32Array(Uint8Array.from(bytes).buffer) };
  }
}

function sent({ inner, initial, ofFinals, ...others }: PackedData): object {
  const { x, kernel, recurrentKernel, bias, cotangent } = others;
  const named = Object.entries({ x, kernel, recurrentKernel, bias, cotangent, ...(inner && { inner }) });
  return {
    ...Object.fromEntries(named.map(([name, tensor]) => [name, encoded(tensor)])),
    initial: initial.map(encoded),
    ofFinals: ofFinals.map(encoded),
  };
}

function encoded({ shape, data }: Tensor): object {
  return { shape, data: Buffer.from(Float32Array.from(data).buffer).toString('base64') };
}
