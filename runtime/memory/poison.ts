/** What memory holds before a run that is to be checked: a NaN that no computation makes, so that it can be told from those. */

/** A quiet NaN with a payload, as bits: it spreads through whatever reads it, and a copy keeps every bit. */
export const POISON = 0x7fe5a5a5;
const POISON_WORDS = 1 << 18;

/** Fills buffers, so that an element which is read before it is written, or never written, shows. */
export function poisonBuffers(device: GPUDevice, buffers: Iterable<GPUBuffer>): void {
  const pattern = new Uint32Array(POISON_WORDS).fill(POISON);
  for (const buffer of buffers) {
    for (let offset = 0; offset < buffer.size; offset += pattern.byteLength) {
      const words = Math.min(pattern.length, (buffer.size - offset) / 4);
      device.queue.writeBuffer(buffer, offset, pattern, 0, words);
    }
  }
}

/** Places, in data order, of the elements of a result that no kernel wrote. Only float32 results come from a device. */
export function unwritten(data: Float32Array | Float64Array): number[] {
  if (data instanceof Float64Array) return [];
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const places: number[] = [];
  for (let at = 0; at < words.length; at++) if (words[at] === POISON) places.push(at);
  return places;
}
