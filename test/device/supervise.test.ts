import { describe, expect, it, vi } from 'vitest';
import { openDevice } from '../../runtime/device/index.js';
import { supervise } from '../../runtime/device/supervise.js';

describe('a device', () => {
  it('that has no memory left says so at the next check', async () => {
    const owner = await openDevice('swiftshader');
    const event = Object.assign(new Event('uncapturederror', { cancelable: true }), { error: new GPUOutOfMemoryError('full') });
    const device = Object.assign(new EventTarget(), { lost: new Promise<never>(() => {}) }) as unknown as GPUDevice;
    const supervised = supervise(device, { name: 'a device', time: 'uniform', maker: 'recurve' });
    supervised.check();
    device.dispatchEvent(event);
    expect(() => supervised.check()).toThrow(expect.objectContaining({ code: 'DEVICE-MEMORY' }));
    expect(event.defaultPrevented).toBe(true);
    owner.close();
  });

  it('that its adapter does not give is told with the adapter', async () => {
    (await openDevice('swiftshader')).close();
    const request = vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockRejectedValue(new Error('none left\nat Dawn'));
    await expect(openDevice('swiftshader')).rejects.toMatchObject({
      code: 'DEVICE-REFUSED',
      message: expect.stringMatching(/^the adapter .* gives no device: none left$/),
      exitCode: 3,
    });
    request.mockRestore();
  });

  it('that was closed is heard of no more: a listener of ours would keep Dawn from freeing it', async () => {
    const add = vi.spyOn(GPUDevice.prototype, 'addEventListener');
    const remove = vi.spyOn(GPUDevice.prototype, 'removeEventListener');
    (await openDevice('swiftshader')).close();
    expect(add.mock.calls).toHaveLength(1);
    expect(remove.mock.calls).toEqual(add.mock.calls);
    vi.restoreAllMocks();
  });
});
