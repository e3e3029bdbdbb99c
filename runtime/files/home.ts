import { homedir } from 'node:os';

/** The user's home folder; empty where neither HOME nor the list of users knows one, for which Node throws. */
export function home(): string {
  try {
    return homedir();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error;
    return '';
  }
}
