import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '../../codegen/suggest.js';

const CELLS = ['gru', 'lstm', 'rnn'];

describe('suggestions', () => {
  it.each([
    ['ltsm', 'lstm'],
    ['GRU', 'gru'],
    ['rn', 'rnn'],
  ])('%s means %s', (written, meant) => {
    expect(nearest(written, CELLS)).toBe(meant);
  });

  it('are not made for what is far from everything', () => {
    expect(didYouMean('transformer', CELLS, 'See the list.')).toBe('See the list.');
  });

  it('quote the name as the message around them does', () => {
    expect(didYouMean('grv', CELLS, '')).toBe('Did you mean `gru`?');
    expect(didYouMean('grv', CELLS, '', '"')).toBe('Did you mean "gru"?');
  });

  it('take one letter for another only in the other case', () => {
    expect(nearest('h', ['H', 'I'])).toBe('H');
    expect(nearest('t', ['H', 'I'])).toBeUndefined();
  });

  it('are not sought for a name too long to be a slip', () => {
    expect(nearest('gru'.repeat(40), ['gru'.repeat(40).slice(1)])).toBeUndefined();
  });
});
