/** `npm run declarations`: writes kernels/functions.ts. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { declarations } from './declarations.js';

// From `dist/codegen/ops`, which is where this runs.
writeFileSync(fileURLToPath(new URL('../../../kernels/functions.ts', import.meta.url)), declarations());
