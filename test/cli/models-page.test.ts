/** docs/models.md: its models have no mistake, and kernels and reference agree on them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtInModels } from '../../codegen/shipped.js';
import { ownPackage } from '../../runtime/node/package.js';
import { recurve, scratchFolder } from './harness.js';

const page = readFileSync(join(ownPackage().root, 'docs', 'models.md'), 'utf8');
const cwd = scratchFolder();

describe('docs/models.md', () => {
  it('shows models that check as they are', async () => {
    const blocks = [...page.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```/gm)];
    expect(blocks.map(([, name]) => name)).toEqual(['sentiment.model.ts', 'forecaster.model.ts', 'speaker.model.ts']);
    for (const [, name = '', text = ''] of blocks) {
      writeFileSync(join(cwd, name), text);
      const sizes = ['V=7', 'E=4', 'H=5'].filter((size) => text.includes(`'${size[0]}'`));
      const dims = ['--dims', ['T=5', 'B=3', ...sizes].join(','), '--adapter', 'swiftshader'];
      const { code, stdout } = await recurve(['check', name, ...dims], { cwd });
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('agrees') });
    }
  });

  it('names every built-in model', () => {
    for (const { name } of builtInModels()) expect(page).toContain(`\`${name}\``);
  });
});
