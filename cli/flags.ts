/** The options that commands share, as they are parsed. */
import type { Sizes } from '../codegen/plan.js';
import type { AdapterChoice } from '../runtime/device/index.js';

/** A command reads those that it declares. */
export interface Flags {
  readonly json?: true;
  readonly adapter?: AdapterChoice;
  readonly dims?: Sizes;
  readonly set?: Readonly<Record<string, string>>;
}
