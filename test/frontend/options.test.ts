/** Values given for options, and what is refused. */
import { expect, test } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import { parseCellSource, resolveOptions } from '../../codegen/frontend/index.js';
import { cellOf } from './specs.js';

const tree = parseCellSource(
  'mine.cell.ts',
  cellOf({
    options:
      "{ kind: choice('after', 'before'), peep: flag(true), alpha: real(0.5, { min: 0, max: 1 }), depth: integer(2, { min: 1 }) }",
  }),
);

function refusal(given: Record<string, string | number | boolean>): string {
  try {
    return JSON.stringify(resolveOptions(tree, given));
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    return `${error.code}  ${error.message}  fix: ${error.fix}`;
  }
}

test('what is not given has its default', () => {
  expect(resolveOptions(tree, {})).toEqual({ kind: 'after', peep: true, alpha: 0.5, depth: 2 });
});

test('a default may go with the value of a choice, which a value given takes precedence over', () => {
  const cell = parseCellSource(
    'mine.cell.ts',
    cellOf({ options: "{ kind: choice('flat', 'steep', 'cliff'), slope: real(1, { per: { kind: { steep: 5, cliff: 0 } } }) }" }),
  );
  expect(resolveOptions(cell, {})).toEqual({ kind: 'flat', slope: 1 });
  expect(resolveOptions(cell, { kind: 'steep' })).toEqual({ kind: 'steep', slope: 5 });
  expect(resolveOptions(cell, { kind: 'cliff' })).toEqual({ kind: 'cliff', slope: 0 });
  expect(resolveOptions(cell, { kind: 'steep', slope: '0' })).toEqual({ kind: 'steep', slope: 0 });
});

test('strings of a command line become what the option takes', () => {
  expect(resolveOptions(tree, { kind: 'before', peep: 'false', alpha: '0.25', depth: '3' })).toEqual({
    kind: 'before',
    peep: false,
    alpha: 0.25,
    depth: 3,
  });
});

test('an unknown option is refused with the nearest one', () => {
  expect(refusal({ kinds: 'after' })).toMatchInlineSnapshot(
    `"OPTION-UNKNOWN  the cell mine has no option \`kinds\`  fix: Did you mean \`kind\`?"`,
  );
  expect(refusal({ constructor: 'after' })).toMatchInlineSnapshot(
    `"OPTION-UNKNOWN  the cell mine has no option \`constructor\`  fix: It has \`kind\`, \`peep\`, \`alpha\` and \`depth\`."`,
  );
});

test('a value that a choice does not have is refused', () => {
  expect(refusal({ kind: 'befor' })).toMatchInlineSnapshot(
    `"OPTION-VALUE  the option \`kind\` cannot be \`befor\`  fix: Did you mean \`before\`?"`,
  );
});

test('a value of the wrong kind is refused', () => {
  expect(refusal({ peep: 'yes' })).toMatchInlineSnapshot(
    `"OPTION-TYPE  the option \`peep\` cannot be \`yes\`  fix: Give it true or false, e.g. peep=true."`,
  );
  expect(refusal({ alpha: '' })).toMatchInlineSnapshot(
    `"OPTION-TYPE  the option \`alpha\` cannot be \`\`  fix: Give it a number, e.g. alpha=0.5."`,
  );
  expect(refusal({ alpha: true })).toMatchInlineSnapshot(
    `"OPTION-TYPE  the option \`alpha\` cannot be \`true\`  fix: Give it a number, e.g. alpha=0.5."`,
  );
  expect(refusal({ alpha: Number.NaN })).toMatchInlineSnapshot(
    `"OPTION-TYPE  the option \`alpha\` cannot be \`NaN\`  fix: Give it a number, e.g. alpha=0.5."`,
  );
  expect(refusal({ depth: 2.5 })).toMatchInlineSnapshot(
    `"OPTION-TYPE  the option \`depth\` cannot be \`2.5\`  fix: Give it a whole number, e.g. depth=2."`,
  );
});

test('a value outside the range is refused', () => {
  expect(refusal({ alpha: 2 })).toMatchInlineSnapshot(
    `"OPTION-RANGE  the option \`alpha\` cannot be 2  fix: It is at least 0 and at most 1."`,
  );
  expect(refusal({ depth: '0' })).toMatchInlineSnapshot(
    `"OPTION-RANGE  the option \`depth\` cannot be 0  fix: It is at least 1."`,
  );
  expect(refusal({ depth: 1e15 })).toBe('{"kind":"after","peep":true,"alpha":0.5,"depth":1000000000000000}');
});
