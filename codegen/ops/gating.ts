/** How adjoint rules hold a cotangent back: by a choice, because a product with 0 would turn infinity into NaN. */
import { eq } from './operators.js';
import type { NodeId, RuleBuilder } from './record.js';
import { select } from './selection.js';

/** Passes `cot` where `condition` holds and `flat`, zero unless given, elsewhere. */
export const where = (g: RuleBuilder, condition: NodeId, cot: NodeId, flat = g.constant(0)) =>
  g.apply(select, condition, cot, flat);

/** Passes zero where `condition` holds and `cot` elsewhere. */
export const elsewhere = (g: RuleBuilder, condition: NodeId, cot: NodeId) => g.apply(select, condition, g.constant(0), cot);

/**
 * What a function with a kink passes where it is flat: zero, or NaN where its result is, because no slope is known
 * there. A NaN fails every comparison: `where` must be given the condition of the slope, never the denial of flatness.
 */
export const flatOrNaN = (g: RuleBuilder, out: NodeId) => g.apply(select, g.apply(eq, out, out), g.constant(0), out);
