/** Whether a process that left its number somewhere still runs; another user's counts, too. */
export function isAlive(number: number): boolean {
  try {
    process.kill(number, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
