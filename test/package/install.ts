/** recurve as users get it: packed, and unpacked in a folder of its own beside nothing but its dependencies. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { loadEmbeddedDriver } from '../../runtime/device/swiftshader.js';

export const checkout = fileURLToPath(new URL('../../', import.meta.url));

/** TypeScript's two ways to find a package's types, as strict as it goes; the declarations are checked as well. */
const RESOLUTIONS = {
  NodeNext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  Bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
} as const;

export interface Installed {
  /** An ES module package of a user's, with recurve in its `node_modules`. */
  readonly folder: string;
  write(name: string, text: string): void;
  /**
   * What TypeScript says about some of the folder's files, and those they import.
   * @param types packages of `@types` that the user has as well
   */
  typeErrors(files: readonly string[], resolution: keyof typeof RESOLUTIONS, types: readonly string[]): string[];
  /** Runs a program in Node, on SwiftShader. Fails where it does. @returns what it prints */
  node(...args: readonly string[]): string;
  remove(): void;
}

export async function install(): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'recurve-installed-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'recurve'), { recursive: true });
  const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(
    execFileSync('npm', packing, { cwd: checkout, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  execFileSync('tar', ['-xzf', packed.filename, '-C', join(modules, 'recurve'), '--strip-components=1'], { cwd: folder });
  const { dependencies } = JSON.parse(readFileSync(join(modules, 'recurve', 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(checkout, 'node_modules', name), join(modules, name));
  }
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  write('package.json', '{ "name": "a-users", "type": "module" }');
  const driver = await loadEmbeddedDriver();
  return {
    folder,
    write,
    typeErrors(files, resolution, types) {
      const options: ts.CompilerOptions = {
        ...RESOLUTIONS[resolution],
        target: ts.ScriptTarget.ES2022,
        types: types.map((name) => join(checkout, 'node_modules', '@types', name)),
        strict: true,
        noEmit: true,
        skipDefaultLibCheck: true,
      };
      const host = ts.createCompilerHost(options);
      host.getCurrentDirectory = () => folder;
      const program = ts.createProgram(
        files.map((file) => join(folder, file)),
        options,
        host,
      );
      return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
        const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
        return `${file?.fileName.replace(`${folder}/`, '')}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
      });
    },
    node(...args) {
      const env = { ...process.env, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
      if (status !== 0) throw new Error(`node ${args.join(' ')} ends with ${status}: ${stderr}`);
      return stdout;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
