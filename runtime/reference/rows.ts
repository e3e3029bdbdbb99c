/** Rows of tensors as they come in and go out, on plain arrays. */

/** Rows of `columns` numbers at the given places. */
export function gather(from: Float64Array, places: readonly number[], columns: number): Float64Array {
  const rows = new Float64Array(places.length * columns);
  places.forEach((place, row) => {
    rows.set(from.subarray(place * columns, (place + 1) * columns), row * columns);
  });
  return rows;
}

export function repeated(row: Float64Array, times: number): Float64Array {
  const rows = new Float64Array(row.length * times);
  for (let at = 0; at < times; at++) rows.set(row, at * row.length);
  return rows;
}

/** Puts rows at the given places. */
export function scatter(to: Float64Array, rows: Float64Array, places: readonly number[], columns: number): void {
  places.forEach((place, row) => {
    to.set(rows.subarray(row * columns, (row + 1) * columns), place * columns);
  });
}
