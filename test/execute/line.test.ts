/** Work in a line is done in order, and what fails in it is told to somebody. */
import { describe, expect, it } from 'vitest';
import { Line } from '../../runtime/execute/line.js';

const later = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
const failing = (text: string) => () => {
  throw new Error(text);
};

describe('a line', () => {
  it('does what was asked for in order, at once where nothing is under way', async () => {
    const line = new Line();
    const done: string[] = [];
    line.queue(() => done.push('at once'));
    expect(done).toEqual(['at once']);
    const first = line.add(async () => {
      await later();
      done.push('slow');
    });
    line.queue(() => done.push('behind it'));
    await Promise.all([first, line.add(() => done.push('last'))]);
    expect(done).toEqual(['at once', 'slow', 'behind it', 'last']);
    expect(line.isBusy).toBe(false);
  });

  it('tells whoever asked what failed, and goes on', async () => {
    const line = new Line();
    expect(() => line.queue(failing('at once'))).toThrow('at once');
    await expect(line.add(failing('asked for'))).rejects.toThrow('asked for');
    expect(await line.add(() => 'fine')).toBe('fine');
  });

  it('tells whoever waits next what failed that nobody waited for, once', async () => {
    const line = new Line();
    const slow = line.add(later);
    line.queue(failing('unseen'));
    const next = line.add(() => 'not done');
    await slow;
    await expect(next).rejects.toThrow('unseen');
    expect(await line.add(() => 'fine')).toBe('fine');
  });
});
