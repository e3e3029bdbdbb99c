/** Thousands of training steps in one process: nothing of a run is kept. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { openDevice } from '../../runtime/device/index.js';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { builtIn, prepare } from '../conformance/compare-cell.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const MIB = 2 ** 20;

describe('an LSTM run forward and backward again and again', () => {
  for (const choice of ['swiftshader', 'lavapipe'] as const) {
    const missing = choice === 'lavapipe' && lavapipeManifests().length === 0;
    it.skipIf(missing)(`keeps memory flat on ${choice}`, async () => {
      const owner = await openDevice(choice);
      const { tree, options, signature, outputs, sizes } = prepare(builtIn('lstm'), { T: 8, B: 4, I: 8, H: 16 });
      const executable = await load(owner, compile(tree, { options, sizes, gradients: true, target: owner.target }));
      const data = randomData(signature, sizes, outputs, { seed: 1 });
      const runMany = async (count: number) => {
        for (let run = 0; run < count; run++) await executable.run(data);
        collectGarbage();
        const { heapUsed, external, rss } = process.memoryUsage();
        return { script: (heapUsed + external) / MIB, resident: rss / MIB };
      };
      // SwiftShader's resident memory goes up and down by tens of MiB: of four readings the least says what is kept.
      const least = async () => {
        const readings = [await runMany(100), await runMany(100), await runMany(100), await runMany(100)];
        const of = (kind: 'script' | 'resident') => Math.min(...readings.map((reading) => reading[kind]));
        return { script: of('script'), resident: of('resident') };
      };
      await runMany(400); // what is made once
      const [early, late] = [await least(), await least()];
      // A run's data and results are 19 KiB: 400 of them, kept, would be 7 MiB.
      expect(late.script - early.script).toBeLessThan(2);
      expect(late.resident - early.resident).toBeLessThan(24);
      executable.destroy();
      owner.close();
    });
  }
});
