/** Every code of an error is provoked by the least that does, and tells a newcomer what was found, where, and what to do. */
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../codegen/error-codes.js';
import { RecurveError, SpecError } from '../../codegen/errors.js';
import { COMMAND } from './command.js';
import { DATA } from './data.js';
import { DEFINITION } from './definition.js';
import { DEVICE } from './device.js';
import { MODEL } from './model.js';
import { STEP } from './step.js';
import { WEIGHTS } from './weights.js';
import type { Witness } from './witness.js';

/** The type sees to it that no code is without a witness, and `is provoked` that none is without its code. */
const WITNESSES: Readonly<Record<ErrorCode, Witness>> = {
  ...DEFINITION,
  ...STEP,
  ...DATA,
  ...WEIGHTS,
  ...DEVICE,
  ...COMMAND,
  ...MODEL,
};

/** What is reported: an error, each mistake of a spec, or what `--json` prints of one. */
interface Reported {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly where: string;
}

async function reported({ provoke }: Witness): Promise<readonly Reported[]> {
  try {
    await provoke();
  } catch (error) {
    if (error instanceof SpecError) return error.diagnostics.map((found) => ({ ...found, where: `${found.file}:${found.line}` }));
    if (error instanceof RecurveError) return [error];
    // The document of `--json`; anything else that was thrown is no error of ours.
    if (error instanceof Error) throw error;
    return [error as Reported];
  }
  return [];
}

describe('every code of an error', () => {
  it.each(Object.entries(WITNESSES))('%s is provoked', async (code, witness) => {
    const all = await reported(witness);
    const found = all.find((one) => one.code === code);
    expect(found, JSON.stringify(all)).toBeDefined();
    expect(found?.message).toContain(witness.found);
    expect(found?.fix).toMatch(/\S \S/);
    expect(found?.where).toMatch(/\S/);
  });

  it('has one witness, in one room', () => {
    const rooms = [DEFINITION, STEP, DATA, WEIGHTS, DEVICE, COMMAND, MODEL].flatMap((room) => Object.keys(room));
    expect(rooms.sort()).toEqual(Object.keys(ERROR_CODES).sort());
  });
});
