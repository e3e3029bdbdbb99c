/** Shared libraries, loaded before Dawn looks for them. */
import { constants } from 'node:os';

const RTLD_NODELETE = 0x1000;

/** Loads a shared library for good, and says why where it cannot be loaded. */
export function loadLibrary(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // It is no Node addon, which Node notices only after loading it.
    return message.includes('did not self-register') ? undefined : message;
  }
}
