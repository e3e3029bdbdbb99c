/** The options that commands share, as they are parsed. */
import type { LoopStrategy, Sizes } from '../codegen/plan.js';
import type { AdapterChoice } from '../runtime/device/index.js';

/** A command reads those that it declares. */
export interface Flags {
  readonly json?: true;
  readonly adapter?: AdapterChoice;
  readonly dims?: Sizes;
  /** Of commands that compile for a device. */
  readonly strategy?: LoopStrategy;
  /** Bytes of device memory: sequences that take more are cut. */
  readonly memory?: number;
  readonly set?: Readonly<Record<string, string>>;
}
