/** Says what is going on: on a terminal one line that changes, elsewhere one line for every new thing. */
export interface Progress {
  /** What is under way; what follows a comma, a count, is shown on a terminal only. */
  update(line: string): void;
  /** Takes the line away, before something else is printed. */
  clear(): void;
}

export function createProgress(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) {
    let last = '';
    return {
      update(line) {
        const [stage = ''] = line.split(',');
        if (stage !== last) stream.write(`${stage}\n`);
        last = stage;
      },
      clear() {},
    };
  }
  return {
    update: (line) => void stream.write(`\r\x1b[K${line.slice(0, (stream.columns ?? 80) - 1)}`),
    clear: () => void stream.write('\r\x1b[K'),
  };
}
