/** Running a plan on a device. */

export type { Scope } from '../memory/readback.js';
export { type Executable, load } from './executable.js';
