/** Products of many matrices with many vectors, on plain arrays. */

/** Vectors in an array: the first one's place, and from one to the next. */
export interface Vectors {
  readonly data: Float64Array;
  readonly from: number;
  readonly stride: number;
}

/** y = W x for one vector, four outputs at a time: one sum alone would wait for its own additions. */
export function multiply(
  y: Float64Array,
  yFrom: number,
  outputs: number,
  W: Float64Array,
  wFrom: number,
  x: Float64Array,
  xFrom: number,
  columns: number,
): void {
  let output = 0;
  for (; output + 3 < outputs; output += 4) {
    const first = wFrom + output * columns;
    const [second, third, fourth] = [first + columns, first + 2 * columns, first + 3 * columns];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let k = 0; k < columns; k++) {
      const factor = x[xFrom + k] as number;
      a += (W[first + k] as number) * factor;
      b += (W[second + k] as number) * factor;
      c += (W[third + k] as number) * factor;
      d += (W[fourth + k] as number) * factor;
    }
    y[yFrom + output] = a;
    y[yFrom + output + 1] = b;
    y[yFrom + output + 2] = c;
    y[yFrom + output + 3] = d;
  }
  for (; output < outputs; output++) {
    const first = wFrom + output * columns;
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += (W[first + k] as number) * (x[xFrom + k] as number);
    y[yFrom + output] = sum;
  }
}

/** As `addCombination`, but what a zero multiplies does not count, be it infinite or NaN. */
export function addKept(to: Float64Array, toFrom: number, columns: number, g: Vectors, vectors: Vectors, count: number): void {
  for (let j = 0; j < count; j++) {
    const one = { data: g.data, from: g.from + j * g.stride, stride: 0 };
    const vector = { data: vectors.data, from: vectors.from + j * vectors.stride, stride: 0 };
    if (g.data[one.from] !== 0) addCombination(to, toFrom, columns, one, vector, 1);
  }
}

/** Adds Σⱼ gⱼ · vectorⱼ to one vector, j < count, four terms at a time to spare reads and writes of the sum. */
export function addCombination(
  to: Float64Array,
  toFrom: number,
  columns: number,
  g: Vectors,
  vectors: Vectors,
  count: number,
): void {
  const { data, stride } = vectors;
  let j = 0;
  for (; j + 3 < count; j += 4) {
    const at = g.from + j * g.stride;
    const [a, b] = [g.data[at] as number, g.data[at + g.stride] as number];
    const [c, d] = [g.data[at + 2 * g.stride] as number, g.data[at + 3 * g.stride] as number];
    const first = vectors.from + j * stride;
    const [second, third, fourth] = [first + stride, first + 2 * stride, first + 3 * stride];
    for (let k = 0; k < columns; k++) {
      to[toFrom + k] =
        (to[toFrom + k] as number) +
        a * (data[first + k] as number) +
        b * (data[second + k] as number) +
        c * (data[third + k] as number) +
        d * (data[fourth + k] as number);
    }
  }
  for (; j < count; j++) {
    const factor = g.data[g.from + j * g.stride] as number;
    const first = vectors.from + j * stride;
    for (let k = 0; k < columns; k++) to[toFrom + k] = (to[toFrom + k] as number) + factor * (data[first + k] as number);
  }
}
