/** Collects the mistakes of a spec file, each at its place and once, so that all are shown together. */
import { type Diagnostic, SpecError } from '../../errors.js';
import type { Span } from '../tree.js';

/** Every mistake a spec can hold. The codes are stable; what they mean is said once, here. */
export const SPEC_CODES = {
  'SPEC-SYNTAX': 'the file does not parse as TypeScript',
  'SPEC-EMPTY': 'the file holds nothing',
  'SPEC-NO-DEFAULT-EXPORT': 'the file exports no cell',
  'SPEC-NOT-A-CELL': 'the default export is not a call of cell',
  'SPEC-SECOND-CELL': 'a second cell in one file',
  'SPEC-MODULE-STATEMENT': 'a statement at module level that a spec cannot have',
  'SPEC-MODULE-MUTABLE': 'a variable at module level that could change',
  'SPEC-NO-IMPORTS': 'names of the language in a file that imports none of them',
  'SPEC-IMPORT-PACKAGE': 'an import from another package',
  'SPEC-IMPORT-NOT-FOUND': 'an imported file that cannot be read',
  'SPEC-IMPORT-OUTSIDE': 'an import that a symbolic link leads out of the folder in which it looks',
  'SPEC-IMPORT-FORM': 'an import that does not name what it takes',
  'SPEC-IMPORT-CYCLE': 'files that import each other',
  'SPEC-NOT-EXPORTED': 'an imported name that the file or package does not export',
  'SPEC-TOO-DEEP': 'expressions nested too deeply',
  'SPEC-TOO-LARGE': 'a cell too large when unrolled and inlined',
  'SPEC-MISSING-PROPERTY': 'a cell without one of its properties',
  'SPEC-UNKNOWN-PROPERTY': 'a property that cells do not have',
  'SPEC-DUPLICATE-PROPERTY': 'one property, parameter or gate written twice',
  'SPEC-PROPERTY-FORM': 'a property whose value has the wrong form',
  'SPEC-NAME': 'a name that kernels and files cannot use',
  'SPEC-DIM-DUPLICATE': 'a dim listed twice',
  'SPEC-DIM-RESERVED': 'a dim called T or B',
  'SPEC-DIM-UNDECLARED': 'a shape over a dim that is not listed',
  'SPEC-DIM-UNUSED': 'a dim that no shape uses',
  'SPEC-DECLARATION': 'a tensor declared by something other than vec, mat, scalar, map, blocks, stack or kernel',
  'SPEC-DECLARATION-OPTION': 'a tensor declared with an unknown setting',
  'SPEC-DECLARATION-PLACE': 'a setting where it means nothing',
  'SPEC-EXTENT': 'a number of matrices or taps that is not a whole number',
  'SPEC-INIT': 'an init that is not known, or that a state cannot start from',
  'SPEC-RANGE': 'a range that is not two numbers, the lower one first, or that its init is not in',
  'SPEC-TRAINABLE': 'a trainable that is not true or false',
  'SPEC-WHEN': 'a when that is not true or false',
  'SPEC-OPTION-FORM': 'an option declared by something other than choice, flag, real or integer',
  'SPEC-OPTION-DEFAULT': 'a default of the wrong kind or outside its range',
  'SPEC-OPTION-RESERVED': 'an option called training, which random functions bring along',
  'SPEC-CHOICE': 'a choice without values, or with a value twice',
  'SPEC-NO-INPUT': 'a cell without inputs',
  'SPEC-MATRIX-STATE': 'an input or state declared by blocks, stack or kernel',
  'SPEC-STEP-FORM': 'a step that is not a function of inputs, state and params',
  'SPEC-UNKNOWN-NAME': 'a name that nothing declares',
  'SPEC-TIME-VALUE': 'the number of steps or of sequences as a value, or the number of the step as an import',
  'SPEC-UNKNOWN-MEMBER': 'a parameter, input, state or field that does not exist',
  'SPEC-UNKNOWN-OPTION': 'an option that is not declared',
  'SPEC-BEFORE-DECLARATION': 'a name read above its declaration',
  'SPEC-DUPLICATE-NAME': 'a name declared twice in one scope',
  'SPEC-ARGUMENTS': 'a call with the wrong number of arguments',
  'SPEC-METHOD-CALL': 'a call of a method',
  'SPEC-CONSOLE': 'something printed with console',
  'SPEC-MATH': 'a member of Math',
  'SPEC-NOT-CALLABLE': 'a call of something that is not a function',
  'SPEC-MISPLACED': 'a declaration inside an expression',
  'SPEC-FUNCTION-VALUE': 'a function used as a value or declared inside another',
  'SPEC-RECURSION': 'helpers that call themselves',
  'SPEC-NONFINITE': 'a number that is infinite, not a number, or that 32 bits cannot hold',
  'SPEC-SPREAD': 'a spread or rest',
  'SPEC-NEW': 'an object made with new',
  'SPEC-ASYNC': 'async, await, yield or a generator',
  'SPEC-EXPRESSION': 'an expression that is not in the language',
  'SPEC-OPERATOR': 'an operator that is not in the language',
  'SPEC-PATTERN': 'a destructuring that is not in the language',
  'SPEC-WHILE': 'a loop without constant bounds',
  'SPEC-FOR-OF': 'a for over the items or names of something',
  'SPEC-STATEMENT': 'a statement that is not in the language',
  'SPEC-VAR': 'a variable declared with var',
  'SPEC-ASSIGN-CONST': 'an assignment to something that does not change',
  'SPEC-ASSIGN-IN-BRANCH': 'a let reassigned inside an if',
  'SPEC-ASSIGN-TARGET': 'an assignment to something other than a local name',
  'SPEC-NO-VALUE': 'a local declared without a value',
  'SPEC-FOR-FORM': 'a for that does not count from one constant to another',
  'SPEC-NO-EFFECT': 'an expression whose value is dropped',
  'SPEC-UNREACHABLE': 'statements behind a return',
  'SPEC-SHAPE-MISMATCH': 'operands over different dims',
  'SPEC-MATVEC-MATRIX': 'a matvec whose first argument is not a matrix',
  'SPEC-MATVEC-SHAPE': 'a matvec whose vector does not have the matrix’s columns',
  'SPEC-MATRIX-ARITHMETIC': 'a matrix outside matvec',
  'SPEC-TRANSPOSE': 'a matrix transposed as a member, p.W.T',
  'SPEC-MATRIX-ARGUMENT': 'something else where transpose, blockTriangular or dropConnect takes a matrix',
  'SPEC-MATRIX-TWICE': 'a matrix masked twice in one way',
  'SPEC-MATRIX-MASKS': 'a matrix multiplied with different entries left out',
  'SPEC-MATRIX-USED-TWICE': 'a parameter used by matvec and per unit',
  'SPEC-STACK-INDEX': 'a matrix taken from a stack or kernel that does not have it',
  'SPEC-PRODUCT-SHAPE': 'an outer or dot of something other than vectors',
  'SPEC-AXIS': 'an axis that a value does not have, or has twice',
  'SPEC-AXIS-NUMBER': 'an axis given by its position',
  'SPEC-BROADCAST': 'a value spread to a shape that does not hold its axes in their order',
  'SPEC-CONCAT': 'values joined whose leading axes differ, or scalars',
  'SPEC-CONCAT-DIM': 'values joined without a dim for what they make',
  'SPEC-SLICE': 'a slice of a scalar',
  'SPEC-SIZE': 'numbers of units that do not fit each other',
  'SPEC-COUNT': 'a position or count that is not a whole number in its range',
  'SPEC-CONV-KERNEL': 'a convolution with something other than a kernel of its rank',
  'SPEC-CONV-SHAPE': 'a convolution of a value without the kernel’s axes',
  'SPEC-CONV-SETTING': 'a setting of a convolution that is not known or not possible',
  'SPEC-DELAY': 'a delay of something other than an input or state',
  'SPEC-RATE': 'a rate that is not a scalar from 0 to 1',
  'SPEC-NOISE-SCALE': 'noise whose scale is over other dims than its value',
  'SPEC-ABSENT': 'a tensor read under options that leave it out',
  'SPEC-STRING-AS-NUMBER': 'a string where a number belongs',
  'SPEC-BOOLEAN-AS-NUMBER': 'a comparison where a number belongs',
  'SPEC-NOT-A-NUMBER': 'an object or array where a number belongs',
  'SPEC-TEST': 'a test that is not a boolean',
  'SPEC-DYNAMIC-IF': 'an if on values known only when running',
  'SPEC-DYNAMIC-FOR': 'a for with bounds known only when running',
  'SPEC-LOOP-LENGTH': 'a for that is too long or never ends',
  'SPEC-DIVISION-BY-ZERO': 'a division by a constant zero',
  'SPEC-NOT-STATIC': 'a value that must be known when compiling and is not',
  'SPEC-CHOICE-VALUE': 'a comparison with a value that the choice does not have',
  'SPEC-CLAMP-BOUNDS': 'a clamp whose low bound is above its high bound',
  'SPEC-NO-RETURN': 'a function that ends without a value',
  'SPEC-RETURN': 'a step that does not return an object',
  'SPEC-MISSING-STATE': 'a state whose next value step does not return',
  'SPEC-EXTRA-STATE': 'a returned name that is neither a state nor an output',
  'SPEC-UNKNOWN-OUTPUT': 'an output that is neither a state nor returned by step',
  'SPEC-DUPLICATE-OUTPUT': 'an output listed twice',
  'SPEC-STATE-SHAPE': 'a next value whose shape is not the state’s',
  'SPEC-OUTPUT-SHAPE': 'an output that is one number for all sequences',
  'SPEC-UNUSED-PARAM': 'a parameter that step never uses',
  'SPEC-UNUSED-INPUT': 'an input that step never uses',
} as const;

export type SpecCode = keyof typeof SPEC_CODES;

export type Report = (code: SpecCode, span: Span, message: string, fix: string) => void;

/** Mutated and generated files can hold a mistake per character; a person reads the first ones. */
const MOST_DIAGNOSTICS = 100;

export class Diagnostics {
  readonly #sources = new Map<string, readonly string[]>();
  readonly #found = new Map<string, Diagnostic>();

  constructor(sources: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [file, lines] of Object.entries(sources)) this.#sources.set(file, lines);
  }

  /** Source lines of a file, for the carets. Files are shown in the order they are added. */
  addSource(file: string, lines: readonly string[]): void {
    this.#sources.set(file, lines);
  }

  /** Notes a mistake. One code at one place is one mistake, however often it is met. */
  readonly report: Report = (code, span, message, fix) => {
    // The names quoted in a message tell apart what is missing at one place; shapes and values may differ by options.
    const names = (message.match(/`[^`]*`/g) ?? []).join();
    const key = `${code} ${span.file}:${span.line}:${span.column}:${span.length} ${names}`;
    if (this.#found.has(key) || this.#found.size >= MOST_DIAGNOSTICS) return;
    const sourceLine = this.#sources.get(span.file)?.[span.line - 1] ?? '';
    const { file, line, column, length } = span;
    this.#found.set(key, { code, message, fix, file, line, column, length, sourceLine });
  };

  has(...codes: SpecCode[]): boolean {
    return [...this.#found.values()].some(({ code }) => codes.some((wanted) => wanted === code));
  }

  get any(): boolean {
    return this.#found.size > 0;
  }

  /** All mistakes: the spec file's own first, each file from top to bottom. */
  list(): readonly Diagnostic[] {
    const order = new Map([...this.#sources.keys()].map((file, index) => [file, index]));
    return [...this.#found.values()].sort(
      (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
    );
  }

  /** @throws SpecError with all of them, if there are any */
  throwIfAny(): void {
    if (this.any) throw new SpecError(this.list());
  }
}
