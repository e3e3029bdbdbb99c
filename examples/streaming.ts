// Streaming: one step at a time as its data comes, the state kept on the device in between.
import { open } from 'recurve/node';

const [I, H] = [16, 32];
const gpu = await open();
const lstm = await gpu.compile('lstm', { dims: { T: 1, B: 1, I, H } });
lstm.init({ seed: 1 });

/** Frames as a microphone would give them. */
async function* frames(count: number) {
  for (let t = 0; t < count; t++) yield Float32Array.from({ length: I }, (_, i) => Math.sin(0.1 * t * (i + 1)));
}

for (const utterance of ['first', 'second']) {
  lstm.reset(); // each begins with the start of the state: zeros
  let t = 0;
  for await (const x of frames(20)) {
    const { outputs } = await lstm.step({ inputs: { x }, read: ['outputs.h'] });
    if (++t % 10 === 0) console.log(`${utterance}, step ${t}: h [${outputs.h.shape}] begins ${outputs.h.data[0]}`);
  }
}
lstm.destroy();
gpu.close();
