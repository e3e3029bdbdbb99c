import { test } from 'vitest';
import { compile, checkSpec, lower, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/index.js';
import { openDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/execute/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { randomData } from '../../runtime/random.js';
import { compareResults } from '../../runtime/compare.js';
import { cellOf, mistakesOf } from './specs.js';
test('x', async () => {
  for (const body of [
    "let k = 0;\nfor (let i = 0; i < 9999; i++) for (let j = 0; j < 9999; j++) k = k + 1;\nreturn { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * k };",
    "let k = h;\nfor (let i = 0; i < 9999; i++) k = tanh(k);\nreturn { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * k };",
  ]) { const t = performance.now(); console.log(mistakesOf({ body, options: "{ a: choice('p','q','r'), b: flag(true) }" }), performance.now() - t); }
  const device = await openDevice('auto');
  const params = "{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), s: scalar(), r: scalar() }";
  const specs = {
    scalarParams: cellOf({ params, body: "return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * sigmoid(p.s * p.r) + (p.s > p.r ? x_(p.s) : 0.5 * h), }; }, }); function x_(a: number) { return exp(a); } const q = ({ a() {" }).split("function x_")[0] ?? '',
    scalars: cellOf({ params, before: 'const f = (a: number) => exp(a);', body: "return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * sigmoid(p.s * p.r) + (p.s > p.r ? f(p.s) : 0.5 * h) };" }),
    deep: cellOf({ body: `return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b ${'+ 0.01 * x_'.replace('x_', 'h').repeat(380)}) };` }),
  };
  for (const [name, text] of Object.entries(specs)) {
    try {
      const tree = parseCellSource('mine.cell.ts', text);
      checkSpec(tree);
      const options = resolveOptions(tree, {});
      const signature = resolveSignature(tree, options);
      const graph = lower(tree, signature);
      const outputs = Object.fromEntries(Object.entries(graph.outputs).map(([n, id]) => [n, graph.nodes[id]?.shape ?? []]));
      const sizes = { T: 4, B: 3, I: 5, H: 6 };
      const plan = compile(tree, { options, sizes, gradients: true, target: device.target });
      const data = randomData(signature, sizes, outputs, { seed: 1, ragged: true, reverse: false });
      const exe = await load(device, plan);
      const got = await exe.run(data);
      const want = runReference(tree, signature, sizes, data);
      console.log(name, JSON.stringify(compareResults(got, want, 1e-5).map((r) => [r.name, r.error, r.ok])));
      exe.destroy();
    } catch (e) { console.log(name, 'FAILED', String(e).slice(0, 300)); }
  }
  device.close();
});
