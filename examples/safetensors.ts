// Parameters to a safetensors file and back, which Python's `safetensors` package and `recurve run mgu --weights` read as well.
import { readFile, writeFile } from 'node:fs/promises';
import { open, parseSafetensors, writeSafetensors } from 'recurve/node';

const dims = { T: 4, B: 1, I: 3, H: 5 };
const gpu = await open();
const trained = await gpu.compile('mgu', { dims });
trained.init({ seed: 3 });
await writeFile('mgu.safetensors', writeSafetensors(await trained.params(), { cell: 'mgu' }));

const loaded = await gpu.compile('mgu', { dims });
const { tensors, metadata } = parseSafetensors(await readFile('mgu.safetensors'));
loaded.setParams(tensors);

const x = Float32Array.from({ length: dims.T * dims.I }, (_, k) => Math.cos(k));
const [one, other] = await Promise.all([trained.run({ inputs: { x } }), loaded.run({ inputs: { x } })]);
const same = one.outputs.h.data.every((value, k) => value === other.outputs.h.data[k]);
console.log(`${Object.keys(tensors).length} parameters of ${metadata.cell}, ${same ? 'the same' : 'other'} outputs`);

for (const layer of [trained, loaded]) layer.destroy();
gpu.close();
