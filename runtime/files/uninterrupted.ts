/** The signals that ask a process to end, and that would leave files half changed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `action`, which does not wait for anything, to its end, whoever asks the process to stop meanwhile; the signal is
 * obeyed afterwards.
 */
export async function uninterrupted<R>(action: () => R): Promise<R> {
  let received: NodeJS.Signals | undefined;
  const note = (signal: NodeJS.Signals) => {
    received ??= signal;
  };
  for (const signal of SIGNALS) process.on(signal, note);
  try {
    return action();
  } finally {
    // Signals that came during the action are delivered when the event loop turns.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const signal of SIGNALS) process.off(signal, note);
    if (received !== undefined) process.kill(process.pid, received);
  }
}
