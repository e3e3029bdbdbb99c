/** Mistakes in a spec's file, its module level and the properties of its cell. */
import { join } from 'node:path';
import { checkSpec, parseCell, parseCellSource } from '../../codegen/frontend/index.js';
import { cellOf, type Files, inFolder, type Parts } from '../frontend/specs.js';
import { type Witness, witness } from './witness.js';

const IMPORTS =
  "import { blocks, cell, choice, flag, integer, kernel, mat, matvec, real, scalar, stack, tanh, vec, zoneout } from 'recurve';";

const text = (source: string, found: string): Witness => witness(() => checkSpec(parseCellSource('mine.cell.ts', source)), found);
/** A cell that is right but for the parts given. */
const spec = (parts: Parts, found: string) => text(cellOf({ imports: IMPORTS, ...parts }), found);
const options = (declared: string, found: string) => spec({ options: declared }, found);
const params = (declared: string, found: string) =>
  spec({ params: `{ W: mat('H', 'I'), U: mat('H', 'H'), ${declared} }` }, found);
const among = (files: Files, found: string, name = 'mine.cell.ts') =>
  witness(() => inFolder(files, (folder) => parseCell(join(folder, name))), found);

const [, ...secondCell] = cellOf({ name: "'other'" }).split('\n');

export const DEFINITION = {
  'SPEC-NOT-FOUND': among({ 'mine.cell.ts': '' }, 'mime.cell.ts', 'mime.cell.ts'),
  'SPEC-DIRECTORY': among({}, 'is a folder', ''),
  'SPEC-NOT-A-FILE': witness(() => parseCell('/dev/null'), '/dev/null'),
  'SPEC-UNREADABLE': among({}, 'name too long', `${'x'.repeat(300)}.cell.ts`),
  'SPEC-FILE-SIZE': among({ 'mine.cell.ts': ' '.repeat(600 * 1024) }, '512 KiB'),
  'SPEC-BINARY': among({ 'mine.cell.ts': Uint8Array.of(0xff, 0xfe, 0) }, 'not UTF-8'),

  'SPEC-SYNTAX': text("export default cell({ dims: ['H' };", "',' expected"),
  'SPEC-EMPTY': text('// nothing yet\n', 'is empty'),
  'SPEC-NO-DEFAULT-EXPORT': text('export const twice = (x: number) => 2 * x;\n', 'exports no cell'),
  'SPEC-NOT-A-CELL': text("export default { name: 'mine' };\n", 'not a call of `cell`'),
  'SPEC-SECOND-CELL': text(`${cellOf({})}${secondCell.join('\n')}`, 'a second default export'),
  'SPEC-MODULE-STATEMENT': spec({ before: 'console.log(1);' }, 'this is none of them'),
  'SPEC-MODULE-MUTABLE': spec({ before: 'let count = 0;' }, '`count`'),
  'SPEC-NO-IMPORTS': spec({ imports: '' }, 'imports nothing'),
  'SPEC-IMPORT-PACKAGE': spec({ before: "import { zeros } from 'lodash';" }, '`lodash`'),
  'SPEC-IMPORT-NOT-FOUND': spec({ before: "import { gate } from './nowhere.js';" }, 'nowhere.ts'),
  'SPEC-IMPORT-OUTSIDE': among(
    { 'mine.cell.ts': cellOf({ before: "import { own } from './away.js';" }), 'away.ts': { link: '/etc/hostname' } },
    '`./away.js`',
  ),
  'SPEC-IMPORT-FORM': spec({ before: "import * as r from 'recurve';" }, 'one by one'),
  'SPEC-IMPORT-CYCLE': among(
    {
      'mine.cell.ts': cellOf({ before: "import { a } from './a.js';" }),
      'a.ts': "import { b } from './b.js';\nexport const a = (x: number) => b(x);\n",
      'b.ts': "import { a } from './a.js';\nexport const b = (x: number) => a(x);\n",
    },
    'a.ts',
  ),
  'SPEC-NOT-EXPORTED': spec({ before: "import { sigmod } from 'recurve';" }, '`sigmod`'),

  'SPEC-MISSING-PROPERTY': text("import { cell } from 'recurve';\nexport default cell({});\n", '`name`'),
  'SPEC-UNKNOWN-PROPERTY': spec({ more: "stat: { c: vec('H') }," }, '`stat`'),
  'SPEC-DUPLICATE-PROPERTY': spec({ more: "name: 'other'," }, '`name`'),
  'SPEC-PROPERTY-FORM': spec({ name: '42' }, '`name`'),
  'SPEC-NAME': spec({ name: "'../mine'" }, '`../mine`'),
  'SPEC-DIM-DUPLICATE': spec({ dims: "['I', 'H', 'H']" }, '`H`'),
  'SPEC-DIM-RESERVED': spec({ dims: "['I', 'H', 'T']" }, '`T`'),
  'SPEC-DIM-UNDECLARED': params("b: vec('h')", '`h`'),
  'SPEC-DIM-UNUSED': spec({ dims: "['I', 'H', 'P']" }, '`P`'),
  'SPEC-DECLARATION': params('b: 0', '`b`'),
  'SPEC-DECLARATION-OPTION': params("b: vec('H', { inti: 'zeros' })", '`inti`'),
  'SPEC-DECLARATION-PLACE': spec({ inputs: "{ x: vec('I', { init: 0 }) }" }, '`init`'),
  'SPEC-EXTENT': params("b: stack('I', 'H', 'H')", "'I'"),
  'SPEC-INIT': params("b: vec('H', { init: 'ones_' })", "'ones_'"),
  'SPEC-RANGE': spec({ state: "{ h: vec('H', { range: [1, 0] }) }" }, '[1, 0]'),
  'SPEC-TRAINABLE': params("b: vec('H', { trainable: 'no' })", "'no'"),
  'SPEC-WHEN': params("b: vec('H', { when: 1 })", 'the number 1'),
  'SPEC-OPTION-FORM': options("{ kind: chioce('a', 'b') }", '`kind`'),
  'SPEC-OPTION-DEFAULT': options('{ alpha: real(2, { min: 0, max: 1 }) }', 'the default 2 of `alpha`'),
  'SPEC-OPTION-RESERVED': spec(
    { options: '{ training: flag(false) }', body: 'return { h: zoneout(tanh(matvec(p.W, x) + matvec(p.U, h) + p.b), h, 0.5) };' },
    '`training`',
  ),
  'SPEC-CHOICE': options("{ kind: choice('a', 'a') }", '`a` twice'),
  'SPEC-NO-INPUT': spec({ inputs: '{}' }, 'no inputs'),
  'SPEC-MATRIX-STATE': spec({ state: "{ h: stack(2, 'H', 'H') }" }, '`h`'),
  'SPEC-STEP-FORM': spec({ step: 'step: 3,' }, '`step`'),
  'SPEC-UNKNOWN-OUTPUT': spec({ outputs: "['h', 'y']" }, '`y`'),
  'SPEC-DUPLICATE-OUTPUT': spec({ outputs: "['h', 'h']" }, '`h`'),
  'SPEC-UNUSED-PARAM': params("b: vec('H'), d: vec('H')", '`d`'),
  'SPEC-UNUSED-INPUT': spec({ inputs: "{ x: vec('I'), y: vec('I') }" }, '`y`'),
} as const satisfies Readonly<Record<string, Witness>>;
