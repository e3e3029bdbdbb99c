/** Running a plan on a device. */
export { createExecutable, type Direction, type Executable, isBuffer, type Run, type Source } from './executable.js';
