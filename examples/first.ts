// A first program: a GRU, compiled for this machine's adapter, forward and backward on a batch.
import { open } from 'recurve/node';

const [T, B, I, H] = [8, 2, 3, 4];
const gpu = await open();
console.log(`on ${gpu.adapter.name}`);

const gru = await gpu.compile('gru', { dims: { T, B, I, H }, gradients: true });
gru.init({ seed: 1 }); // the parameters, as the cell declares them; setParams takes your own

// Time first, numbers in row-major order. The second sequence is three steps shorter.
const x = { shape: [T, B, I], data: Float32Array.from({ length: T * B * I }, (_, k) => Math.sin(k)) };
const ones = { shape: [T, B, H], data: new Float32Array(T * B * H).fill(1) }; // ∂L/∂h of the loss L = Σ h
const { outputs, state, gradients } = await gru.run({
  inputs: { x },
  lengths: [8, 5],
  cotangents: { outputs: { h: ones } },
});

console.log(`h [${outputs.h.shape}] ends at ${state.h.data.slice(0, H).join(' ')}`);
for (const [name, { shape }] of Object.entries(gradients?.params ?? {})) console.log(`∂L/∂${name} [${shape}]`);

gru.destroy();
gpu.close();
