/** `recurve generate`: WGSL, plan and typed module, written whole or not at all. */
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { resolveOptions, resolveSpec, valuesOf } from '../codegen/frontend/index.js';
import { compileFor, segmentsText, sizesOf } from '../codegen/index.js';
import type { Plan } from '../codegen/plan.js';
import { visible } from '../codegen/visible.js';
import { withLock } from '../runtime/files/lock.js';
import { applyChanges, type Changes } from '../runtime/files/write-all.js';
import { loadSpec } from '../runtime/node/cells.js';
import { ownPackage } from '../runtime/node/package.js';
import { fillSizes } from './arguments.js';
import type { Context, Outcome } from './context.js';
import { writing } from './files.js';
import type { Flags } from './flags.js';
import { typedModule } from './module.js';
import { displayPath } from './paths.js';
import { chooseTarget } from './target.js';
import { PLAN, refuseForeign, writtenKernels } from './written.js';

export interface GenerateFlags extends Flags {
  /** The folder to write into. */
  readonly out: string;
  /** Values of the step that the plan gives as `traces`, with their cotangents. */
  readonly trace?: readonly string[];
  /** Of every element of the state's cotangent, at each step back. */
  readonly clip?: number;
}

const WRITER = { command: 'generate', flag: '--out' } as const;

interface Generated {
  readonly cell: string;
  readonly folder: string;
  readonly files: Readonly<Record<string, string>>;
  readonly plan: Plan;
}

/**
 * Compiles every cell, then writes `<out>/<cell>/<kernel>.wgsl`, `plan.json` and `<cell>.ts`.
 * @throws RecurveError `GENERATE-TWICE`, `OUT-EXISTS`, `OUT-FILE`, `OUT-WRITE`, `TRACE-UNKNOWN`, `TRACE-MODEL`; SpecError
 */
export async function generate(context: Context, cells: readonly string[], flags: GenerateFlags): Promise<Outcome> {
  const { cwd } = context.io;
  const out = resolve(cwd, flags.out);
  await refuseFile(out, flags.out);
  const trees = cells.map((cell) => loadSpec(cell, cwd));
  refuseTwice(trees.map(({ name }) => name));
  const { target: chosen } = await chooseTarget(context, flags);
  // What is written runs on other devices, too, whose subgroups are of other widths.
  const target = { ...chosen, broadcasts: false };
  const generated = trees.map((tree): Generated => {
    const signature = resolveSpec(tree, resolveOptions(tree, flags.set ?? {}));
    const sizes = fillSizes(signature, flags.dims);
    const trace = [...new Set(flags.trace)];
    const { clip, strategy, memory } = flags;
    const request = { options: signature.options, sizes, gradients: true, trace, clip, strategy, target };
    const plan = compileFor(tree, request, memory);
    const module = typedModule(plan, signature, valuesOf(tree, signature, trace), {
      source: basename(tree.file),
      version: ownPackage().version,
    });
    const kernels = plan.kernels.map(({ name, wgsl }) => [`${name}.wgsl`, wgsl]);
    const files = {
      ...Object.fromEntries(kernels),
      [PLAN]: `${JSON.stringify(plan, null, 2)}\n`,
      [`${tree.name}.ts`]: module,
    };
    return { cell: tree.name, folder: join(out, tree.name), files, plan };
  });
  await writing(out, () =>
    withLock(out, () => {
      for (const { folder, files } of generated)
        for (const name of Object.keys(files)) refuseForeign(join(folder, name), cwd, WRITER);
      applyChanges(changesFor(generated));
    }),
  );
  const document = {
    cells: generated.map(({ cell, folder, files, plan }) => ({
      cell,
      folder,
      files: Object.keys(files),
      options: plan.options,
      dims: sizesOf(plan),
      ...(plan.segments === undefined ? {} : { segments: plan.segments }),
    })),
  };
  const text = generated.map(({ folder, files, plan }) => {
    const dims = Object.entries(sizesOf(plan)).map(([dim, size]) => `${dim}=${size}`);
    const wrote = `wrote ${displayPath(folder, cwd)}: ${Object.keys(files).length} files, ${plan.kernels.length} kernels for ${dims.join(' ')}`;
    const cut = segmentsText(plan);
    return cut === undefined ? wrote : `${wrote}; ${cut}`;
  });
  return { document, text: text.join('\n') };
}

/** All files of all cells, and what an earlier run left that the new plans do not have. */
function changesFor(generated: readonly Generated[]): Changes {
  return {
    writes: generated.flatMap(({ folder, files }) =>
      Object.entries(files).map(([name, content]) => ({ path: join(folder, name), content, existing: 'replace' as const })),
    ),
    removes: generated.flatMap(({ folder, files }) =>
      writtenKernels(folder)
        .filter((name) => !Object.hasOwn(files, name))
        .map((name) => join(folder, name)),
    ),
  };
}

async function refuseFile(out: string, given: string): Promise<void> {
  const found = await stat(out).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw new RecurveError({
    code: 'OUT-FILE',
    message: `--out ${visible(given)} is a file; generate writes into a folder`,
    fix: 'Give a folder; it is made if it is missing.',
    where: '--out',
  });
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) !== index);
  if (twice === undefined) return;
  throw new RecurveError({
    code: 'GENERATE-TWICE',
    message: `two of the cells are named ${twice}; their files would fall on each other`,
    fix: 'Generate them into different folders.',
    where: twice,
  });
}
