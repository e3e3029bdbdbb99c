/** The entries of a zip archive: its directory first, then one entry at a time. */
import { unzipSync } from 'fflate';
import { fileError, MOST_BYTES } from './container.js';

export interface Zip {
  readonly names: readonly string[];
  /** @throws RecurveError `WEIGHTS-FILE` */
  read(name: string): Uint8Array;
}

/** @throws RecurveError `WEIGHTS-FILE` */
export function openZip(bytes: Uint8Array, source: string): Zip {
  const names: string[] = [];
  visit((name) => {
    names.push(name);
    return false;
  });
  return {
    names,
    read(name) {
      const entry = visit((each) => each === name)[name];
      if (entry === undefined) throw fileError(source, `has no ${JSON.stringify(name)} in its zip archive`);
      return entry;
    },
  };

  function visit(wanted: (name: string) => boolean): Readonly<Record<string, Uint8Array>> {
    try {
      return unzipSync(bytes, {
        filter({ name, originalSize }) {
          if (!wanted(name)) return false;
          if (originalSize > MOST_BYTES)
            throw fileError(source, `has ${JSON.stringify(name)} of ${originalSize} bytes, too large to read`);
          return true;
        },
      });
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'RecurveError') throw cause;
      throw fileError(
        source,
        'is a zip archive that cannot be read: it is cut short or damaged',
        'Copy or download it again.',
        cause,
      );
    }
  }
}
