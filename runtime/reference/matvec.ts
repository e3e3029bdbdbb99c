/** Products of matrices and vectors: parameters, blocks of parameters, and matrices that a step computed. */
import { addCombination, addKept, multiply } from './product.js';
import { type Axis, commonRows, count, rowStride, sameAxes, type Tape, Value } from './tape.js';
import { stretchTo } from './tensor.js';

/** A matrix operand `[...blocks, O, I]` taken apart. */
interface Matrices {
  readonly blocks: readonly Axis[];
  readonly output: Axis;
  readonly input: Axis;
}

export function matrices(value: Value): Matrices {
  const [output, input] = value.axes.slice(-2);
  if (output === undefined || input === undefined || value.axes.length > 3) throw new Error(`${value} is not a matrix`);
  return { blocks: value.axes.slice(0, -2), output, input };
}

/** How matrices meet vectors: vector v of `vectors` belongs to matrix v mod `blocks`, of its own row where rows have their own. */
interface Pairing {
  readonly rows: number;
  readonly lead: readonly Axis[];
  readonly blocks: number;
  /** The vector operand with as many rows as the result. */
  readonly x: Value;
  /** Matrices in all, and how many vectors each of them meets. */
  readonly matrixCount: number;
  readonly perMatrix: number;
  /** Place of the first vector of a matrix; the next is `blocks` further. */
  readonly firstVector: (matrix: number) => number;
}

function pair(tape: Tape, matrix: Value, vector: Value): Pairing {
  const { blocks, input } = matrices(matrix);
  const tail = [...blocks, input];
  if (!sameAxes(vector.axes.slice(-tail.length), tail)) throw new Error(`a matrix ${matrix} does not take ${vector}`);
  const rows = commonRows([matrix, vector]);
  const lead = vector.axes.slice(0, -tail.length);
  const [leads, block] = [count(lead), count(blocks)];
  return {
    rows,
    lead,
    blocks: block,
    x: stretchTo(tape, vector, rows, vector.axes),
    matrixCount: matrix.rows * block,
    perMatrix: matrix.rows === 1 ? rows * leads : leads,
    firstVector: (index) => Math.floor(index / block) * leads * block + (index % block),
  };
}

/** `[...blocks, O, I]` with `[...lead, ...blocks, I]` gives `[...lead, ...blocks, O]`. */
export function matvec(tape: Tape, matrix: Value, vector: Value): Value {
  const { blocks: blockAxes, output, input } = matrices(matrix);
  const { rows, lead, blocks, x, matrixCount, perMatrix, firstVector } = pair(tape, matrix, vector);
  const [O, I] = [output.size, input.size];
  const axes = [...lead, ...blockAxes, output];
  const data = new Float64Array(rows * count(axes));
  for (let index = 0; index < matrixCount; index++) {
    const first = firstVector(index);
    for (let j = 0; j < perMatrix; j++) {
      const at = first + j * blocks;
      multiply(data, at * O, O, matrix.data, index * O * I, x.data, at * I, I);
    }
  }
  return tape.record(new Value(rows, axes, data, matrix.tracked || x.tracked), [matrix, x], (cotangent, gated) => {
    const add = gated ? addKept : addCombination;
    for (let index = 0; index < matrixCount; index++) {
      const first = firstVector(index);
      if (x.tracked) {
        const dx = x.cotangent();
        const entries = { data: matrix.data, from: index * O * I, stride: I };
        for (let j = 0; j < perMatrix; j++) {
          const at = first + j * blocks;
          add(dx, at * I, I, { data: cotangent, from: at * O, stride: 1 }, entries, O);
        }
      }
      if (matrix.tracked) {
        const dM = matrix.cotangent();
        const vectors = { data: x.data, from: first * I, stride: blocks * I };
        for (let o = 0; o < O; o++) {
          const g = { data: cotangent, from: first * O + o, stride: blocks * O };
          add(dM, (index * O + o) * I, I, g, vectors, perMatrix);
        }
      }
    }
  });
}

/** (U − Uᵀ) x: rotates without growing, as U − Uᵀ is antisymmetric (AntisymmetricRNN, Chang et al. 2019). */
export function antisymmetric(tape: Tape, matrix: Value, vector: Value): Value {
  const { output, input } = matrices(matrix);
  if (!sameAxes([output], [input])) throw new Error(`antisymmetric of ${matrix}, which is not square`);
  const { rows, blocks, x, matrixCount, perMatrix, firstVector } = pair(tape, matrix, vector);
  const H = input.size;
  const U = matrix.data;
  const difference = (from: number, i: number, k: number) => (U[from + i * H + k] as number) - (U[from + k * H + i] as number);
  const data = new Float64Array(x.data.length);
  const each = (visit: (matrixFrom: number, vectorFrom: number) => void) => {
    for (let index = 0; index < matrixCount; index++) {
      for (let j = 0; j < perMatrix; j++) visit(index * H * H, (firstVector(index) + j * blocks) * H);
    }
  };
  each((from, at) => {
    for (let i = 0; i < H; i++) {
      let sum = 0;
      for (let k = 0; k < H; k++) sum += difference(from, i, k) * (x.data[at + k] as number);
      data[at + i] = sum;
    }
  });
  return tape.record(new Value(rows, x.axes, data, matrix.tracked || x.tracked), [matrix, x], (cotangent, gated) => {
    const dx = x.tracked ? x.cotangent() : undefined;
    const dU = matrix.tracked ? matrix.cotangent() : undefined;
    each((from, at) => {
      for (let i = 0; i < H; i++) {
        const [g, own] = [cotangent[at + i] as number, x.data[at + i] as number];
        for (let k = 0; k < H; k++) {
          const other = cotangent[at + k] as number;
          if (dx && !(gated && g === 0)) dx[at + k] = (dx[at + k] as number) + difference(from, i, k) * g;
          if (dU) {
            const entry = from + i * H + k;
            const forth = gated && g === 0 ? 0 : g * (x.data[at + k] as number);
            const back = gated && other === 0 ? 0 : other * own;
            dU[entry] = (dU[entry] as number) + forth - back;
          }
        }
      }
    });
  });
}

/** `[R]` and `[C]` give every product, `[R, C]`. */
export function outer(tape: Tape, a: Value, b: Value): Value {
  if (a.axes.length !== 1 || b.axes.length !== 1) throw new Error(`outer of ${a} and ${b}`);
  const rows = commonRows([a, b]);
  const [R, C] = [a.columns, b.columns];
  const [rowA, rowB] = [rowStride(a), rowStride(b)];
  const data = new Float64Array(rows * R * C);
  for (let row = 0; row < rows; row++) {
    for (let r = 0; r < R; r++) {
      const factor = a.data[row * rowA + r] as number;
      for (let c = 0; c < C; c++) data[(row * R + r) * C + c] = factor * (b.data[row * rowB + c] as number);
    }
  }
  return tape.record(new Value(rows, [...a.axes, ...b.axes], data, a.tracked || b.tracked), [a, b], (cotangent, gated) => {
    const da = a.tracked ? a.cotangent() : undefined;
    const db = b.tracked ? b.cotangent() : undefined;
    for (let row = 0; row < rows; row++) {
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          const g = cotangent[(row * R + r) * C + c] as number;
          if (gated && g === 0) continue;
          const [atA, atB] = [row * rowA + r, row * rowB + c];
          if (da) da[atA] = (da[atA] as number) + g * (b.data[atB] as number);
          if (db) db[atB] = (db[atB] as number) + g * (a.data[atA] as number);
        }
      }
    }
  });
}
