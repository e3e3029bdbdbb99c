// Gradient descent by hand on the adding problem (Hochreiter & Schmidhuber 1997): of a sequence of numbers, two are marked;
// tell their sum when the sequence ends. Parameters never leave the device.
import { fileURLToPath } from 'node:url';
import { open } from 'recurve/node';

const [T, B, I, H] = [10, 32, 2, 16];
const gpu = await open();
const cell = fileURLToPath(new URL('adder.cell.ts', import.meta.url));
const layer = await gpu.compile(cell, { dims: { T, B, I, H }, gradients: true });
layer.init({ seed: 1 });

const random = generator(7);
let smoothed = 1;
for (let step = 1; step <= 500; step++) {
  const { x, sums } = batch();
  // Forward; of the results only y is read, for the loss's cotangent depends on it.
  const { outputs } = await layer.forward({ inputs: { x }, read: ['outputs.y'] });
  const { loss, cotangent } = squaredError(outputs.y.data, sums);
  // Backward from there, and θ ← θ − rate · ∂L/∂θ, where the gradients lie.
  await layer.backward({ cotangents: { outputs: { y: cotangent } }, read: [] });
  layer.descend({ rate: 0.2, maxNorm: 1 });
  smoothed += 0.05 * (loss - smoothed);
  if (step % 100 === 0) console.log(`step ${step} loss ${smoothed.toFixed(4)}`);
}
console.log('who always says 1 has a loss of 0.1667');
layer.destroy();
gpu.close();

/** Of every sequence: numbers in [0, 1), and 1 beside two of them, one in each half. */
function batch() {
  const data = new Float32Array(T * B * I);
  const sums = new Float32Array(B);
  for (let b = 0; b < B; b++) {
    const marked = [Math.floor((random() * T) / 2), Math.floor(((1 + random()) * T) / 2)];
    for (let t = 0; t < T; t++) {
      const value = random();
      data.set([value, marked.includes(t) ? 1 : 0], (t * B + b) * I);
      if (marked.includes(t)) sums[b] += value;
    }
  }
  return { x: { shape: [T, B, I], data }, sums };
}

/** L = mean over the batch of (y − sum)² at the last step, and ∂L/∂y, which is zero before it. */
function squaredError(y: Float32Array, sums: Float32Array) {
  const cotangent = new Float32Array(T * B);
  let loss = 0;
  for (let b = 0; b < B; b++) {
    const last = (T - 1) * B + b;
    const error = y[last] - sums[b];
    loss += error ** 2 / B;
    cotangent[last] = (2 * error) / B;
  }
  return { loss, cotangent };
}

/** Random numbers in [0, 1) that are the same each time (mulberry32). */
function generator(seed: number) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let z = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    z ^= z + Math.imul(z ^ (z >>> 7), 61 | z);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
