/** What segments of long sequences leave for each other on the device, and what is kept of each to run it once more. */

import { checkpointWords } from '../../codegen/checkpoints.js';
import type { Move, Plan } from '../../codegen/plan.js';
import type { Supervised } from '../device/supervise.js';
import { checkSize } from './buffers.js';
import type { PlacedTensor } from './slots.js';

/** A stretch of the plan's memory. */
interface Stretch {
  readonly buffer: GPUBuffer;
  /** In 32-bit words. */
  readonly from: number;
  readonly words: number;
}

/** WebGPU copies from one buffer to another only: what moves within the plan's memory goes by this one. */
export class Checkpoints {
  readonly #buffer: GPUBuffer;
  readonly #checkpoint: number;
  readonly #states: readonly Stretch[];
  readonly #before: readonly Stretch[];
  readonly #finals: readonly Stretch[];
  readonly #finalsAt: number;
  readonly #movingAt: number;

  /**
   * @param named the plan's buffers
   * @throws RecurveError `LIMIT-BUFFER`
   */
  constructor(
    owner: Supervised,
    plan: Plan,
    tensors: readonly PlacedTensor[],
    private readonly named: (buffer: string) => GPUBuffer,
  ) {
    const { checkpoint, finals, moving, total } = checkpointWords(plan);
    checkSize(owner, 'for checkpoints', total * 4, 'maxBufferSize');
    const of = (group: string) =>
      tensors
        .filter((tensor) => tensor.group === group)
        .map(({ slot, words }): Stretch => ({ buffer: named(slot.buffer), from: slot.offset, words }));
    this.#states = of('state');
    this.#finals = of('final');
    this.#before = (plan.segments?.before ?? []).map(({ buffer, to, words }) => ({ buffer: named(buffer), from: to, words }));
    this.#checkpoint = checkpoint;
    this.#movingAt = total - moving;
    this.#finalsAt = this.#movingAt - finals;
    this.#buffer = owner.device.createBuffer({
      label: 'checkpoints',
      size: Math.max(4, total * 4),
      usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
  }

  /** The states that a segment begins with, and what is read of the steps before it. */
  save(encoder: GPUCommandEncoder, segment: number): void {
    this.#save(encoder, [...this.#states, ...this.#before], segment * this.#checkpoint);
  }

  restore(encoder: GPUCommandEncoder, segment: number): void {
    this.#restore(encoder, [...this.#states, ...this.#before], segment * this.#checkpoint);
  }

  saveFinals(encoder: GPUCommandEncoder): void {
    this.#save(encoder, this.#finals, this.#finalsAt);
  }

  restoreFinals(encoder: GPUCommandEncoder): void {
    this.#restore(encoder, this.#finals, this.#finalsAt);
  }

  /** From where one segment left it to where the next one reads it. */
  move(encoder: GPUCommandEncoder, moves: readonly Move[]): void {
    const stretches = (end: 'from' | 'to') =>
      moves.map(({ buffer, words, ...move }): Stretch => ({ buffer: this.named(buffer), from: move[end], words }));
    this.#save(encoder, stretches('from'), this.#movingAt);
    this.#restore(encoder, stretches('to'), this.#movingAt);
  }

  /** Nothing was before the first segment, and nothing is behind the last one. */
  clear(encoder: GPUCommandEncoder, moves: readonly Move[]): void {
    for (const { buffer, to, words } of moves) encoder.clearBuffer(this.named(buffer), to * 4, words * 4);
  }

  owns(buffer: GPUBuffer): boolean {
    return buffer === this.#buffer;
  }

  destroy(): void {
    this.#buffer.destroy();
  }

  #save(encoder: GPUCommandEncoder, stretches: readonly Stretch[], start: number): void {
    let at = start;
    for (const { buffer, from, words } of stretches) {
      encoder.copyBufferToBuffer(buffer, from * 4, this.#buffer, at * 4, words * 4);
      at += words;
    }
  }

  #restore(encoder: GPUCommandEncoder, stretches: readonly Stretch[], start: number): void {
    let at = start;
    for (const { buffer, from, words } of stretches) {
      encoder.copyBufferToBuffer(this.#buffer, at * 4, buffer, from * 4, words * 4);
      at += words;
    }
  }
}
