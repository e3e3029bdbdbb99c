// Two plans on one device that share their parameters: one trains on whole sequences, one serves step by step with what
// the other has learned so far.
import { open } from 'recurve/node';

const [T, B, I, H] = [12, 8, 2, 6];
const gpu = await open();
const trainer = await gpu.compile('mgu', { dims: { T, B, I, H }, gradients: true });
const server = await gpu.compile('mgu', { dims: { T: 1, B: 1, I, H }, params: trainer });
trainer.init({ seed: 5 });

const x = Float32Array.from({ length: T * B * I }, (_, k) => Math.sin(k));
const serve = async () => {
  server.reset();
  const { outputs } = await server.step({ inputs: { x: Float32Array.of(1, -1) } });
  return outputs.h.data.reduce((sum, value) => sum + value ** 2, 0);
};
// The loss ½ Σ h² of the final state has the cotangent h: training makes the state small, for the server too.
console.log(`before ${await serve()}`);
for (let step = 0; step < 20; step++) {
  const { state } = await trainer.forward({ inputs: { x }, read: ['state'] });
  await trainer.backward({ cotangents: { state: { h: state.h } }, read: [] });
  trainer.descend({ rate: 0.1 });
}
console.log(`after ${await serve()}`);

trainer.destroy(); // the parameters go with the last layer that shares them
server.destroy();
gpu.close();
