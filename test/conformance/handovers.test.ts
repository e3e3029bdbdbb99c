/** Cells whose backward loop hands values over, per unit and more than one step back: nothing else keeps them in memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { fromText, mergedOtherwise, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

interface Handover {
  readonly state: readonly string[];
  readonly step: string;
}

/** Inputs x and u, parameters w per unit and U a matrix. */
const CELLS: Readonly<Record<string, Handover>> = {
  'a state of one step before': {
    state: ['h'],
    step: '{ h }, p) { return { h: 0.5 * h * delay(h, 1) + x };',
  },
  'a state of two steps before': {
    state: ['h'],
    step: '{ h }, p) { return { h: 0.5 * h * delay(h, 2) + x };',
  },
  'one value, to a state of three steps before and to another of this step': {
    state: ['h', 'g'],
    step: '{ h, g }, p) { return { h: tanh(delay(h, 3) + g + x), g: 0.5 * h };',
  },
  'one value, to a state of this step and to another of three steps before': {
    state: ['g', 'h'],
    step: '{ g, h }, p) { return { g: 0.5 * h, h: tanh(g + delay(h, 3) + x) };',
  },
  'one value, to states of one, two and three steps before': {
    state: ['h', 'g'],
    step: '{ h, g }, p) { return { h: tanh(delay(g, 1) + delay(g, 3) + delay(h, 2) + p.w * x), g: 0.7 * h + u };',
  },
  'one value, to an input of two steps before and to states of one and of no step before': {
    state: ['h', 'g'],
    step: '{ h, g }, p) { return { h: tanh(delay(x, 2) + delay(h, 1) + g), g: 0.7 * h * u };',
  },
  'a value that the gradient of a parameter per unit reads as it was handed over': {
    state: ['h'],
    step: '{ h }, p) { return { h: p.w * h + 0.5 * x };',
  },
  'a value that no step behind comes into, to a loop that it does come into': {
    state: ['h', 'g'],
    step: '{ h, g }, p) { return { h: 0.5 * g, g: 0.6 * tanh(g) + x, y: h * u };',
  },
  'values between phases of the step, beside delays of one, two and three steps': {
    state: ['h', 'g'],
    step: `{ h, g }, p) {
      const a = tanh(matvec(p.U, h) + delay(g, 1) + delay(x, 1));
      return { h: tanh(matvec(p.U, a) + delay(h, 2) + p.w * g), g: 0.6 * a * delay(h, 3) + 0.3 * delay(u, 3) };`,
  },
};

describe('a cotangent that is handed over', () => {
  it.each(Object.entries(CELLS))('%s', async (_, { state, step }) => {
    const tree = fromText(`import { cell, delay, mat, matvec, tanh, vec } from 'recurve';
      export default cell({ name: 'handed', dims: ['H'], inputs: { x: vec('H'), u: vec('H') },
        state: { ${state.map((name) => `${name}: vec('H')`).join(', ')} }, params: { w: vec('H'), U: mat('H', 'H') },
        step({ x, u }, ${step} } });`);
    const prepared = prepare(tree, { T: 7, B: 2, H: 5 });
    expect(await wrongTensors(device, prepared)).toEqual([]);
    expect(await mergedOtherwise(device, prepared)).toEqual([]);
  });
});
