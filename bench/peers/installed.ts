/** Peers are optional: what is not installed is told, and how to get it, in place of an error. */

/**
 * What `open` gives, or a sentence where a package that it loads is not there.
 * @param command installs them
 */
export async function whereInstalled<R>(command: string, open: () => Promise<R>): Promise<R | string> {
  try {
    return await open();
  } catch (error) {
    if (!isMissing(error)) throw error;
    return `it is not installed; ${command}`;
  }
}

/** As `require` and `import` say it. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(String(error.code));
}
