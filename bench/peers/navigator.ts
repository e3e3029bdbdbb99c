/** The browser that packages look for when they want WebGPU. */

/** Puts a `navigator` with this WebGPU in place; the function that comes back takes it away again. */
export function installNavigator(gpu: Partial<GPU>): () => void {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  return () => {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  };
}
