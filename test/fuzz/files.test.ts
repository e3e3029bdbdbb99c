/** A sample of `npm run fuzz -- --files`. */
import { describe, expect, it } from 'vitest';
import { KINDS, type MutantReport, tryMutant } from './files/campaign.js';

const MUTANTS = 240;

describe('damaged specs, requests, safetensors and ONNX files', () => {
  it('are refused with a reason, or mean to recurve what they mean to a reader of another kind', async () => {
    const reports: MutantReport[] = [];
    for (let index = 0; index < MUTANTS; index++) reports.push(await tryMutant(1, index));
    expect(reports.filter(({ outcome }) => outcome === 'wrong').map(({ index, message }) => `${index}: ${message}`)).toEqual([]);
    for (const kind of KINDS) {
      const count = (outcome: MutantReport['outcome']) =>
        reports.filter((report) => report.kind === kind && report.outcome === outcome).length;
      // A sample in which everything is refused, or nothing is judged, would show nothing.
      expect(count('refused'), kind).toBeGreaterThan(MUTANTS / 40);
      expect(count('right'), kind).toBeGreaterThan(MUTANTS / 80);
      expect(count('unjudged'), kind).toBeLessThan(MUTANTS / 10);
    }
  }, 300_000);
});
