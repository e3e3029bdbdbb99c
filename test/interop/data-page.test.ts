/** docs/data.md has every field of a request, and its examples run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIELDS, TENSOR_KEYS } from '../../runtime/interop/form.js';
import { WEIGHT_FORMATS } from '../../runtime/interop/types.js';
import { ownPackage } from '../../runtime/node/package.js';
import { recurve, scratchFolder } from '../cli/harness.js';

const page = readFileSync(join(ownPackage().root, 'docs', 'data.md'), 'utf8');
const section = (title: string) => new RegExp(`^## ${title}\\n([\\s\\S]*?)(?=^## )`, 'm').exec(page)?.[1] ?? '';
const requests = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
const cwd = scratchFolder();

describe('docs/data.md', () => {
  it('has a row for every field that a request may have, and for no other', () => {
    const rows = [...section('Fields').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
    const objects = Object.keys(FIELDS).flatMap((path) => (path.includes('.') ? [path.replace(/\..*/, ''), path] : [path]));
    expect(rows.sort()).toEqual([...new Set(objects), ...TENSOR_KEYS].sort());
  });

  it('names every framework whose weights are read', () => {
    for (const format of WEIGHT_FORMATS) expect(section('Fields')).toContain(`\`${format}\``);
  });

  it('says what each field is called in safetensors', () => {
    for (const field of Object.values(FIELDS)) {
      const [name] = Object.values(field);
      expect(section('Safetensors')).toMatch(new RegExp(`\`${name}${'tensors' in field ? '\\.[\\w.]+' : ''}\``));
    }
  });

  it('shows every field, but for weights, in its first request', () => {
    const { weights, ...given } = JSON.parse(requests[0] ?? '');
    expect(weights).toBeUndefined();
    const shown = Object.keys(FIELDS).map((path) => path.replace(/\..*/, ''));
    expect(Object.keys(given).sort()).toEqual([...new Set(shown)].filter((key) => key !== 'weights').sort());
  });

  it('shows requests that run', async () => {
    expect(requests.length).toBe(3);
    for (const [index, request] of requests.entries()) {
      writeFileSync(join(cwd, `${index}.json`), request);
      const { code, stdout, stderr } = await recurve(['run', '--data', `${index}.json`, '--reference'], { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect('gradients' in JSON.parse(stdout)).toBe('cotangents' in JSON.parse(request));
    }
  });
});
