import { expect, it } from 'vitest';
import { layerConfig } from '../../runtime/interop/weights/keras-config.js';

const model = (activation: string) => ({
  version: 3,
  config: { class_name: 'Sequential', config: { layers: [{ class_name: 'LSTM', config: { name: 'lstm', activation } }] } },
});

it('an activation of Keras that no cell here has is refused by its name', () => {
  expect(layerConfig(model('relu'), 'layers/lstm/cell/', 'lstm')?.options).toMatchObject({ cellActivation: 'relu' });
  expect(() => layerConfig(model('lecun_tanh'), 'layers/lstm/cell/', 'lstm')).toThrow(
    expect.objectContaining({ code: 'WEIGHTS-ACTIVATION', message: expect.stringContaining('lecun_tanh') }),
  );
});
