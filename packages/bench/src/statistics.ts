/** Of an even number the upper middle one. @throws RangeError without values. */
export function medianOf(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new RangeError("nothing was measured");
  return middle;
}

/** Three significant digits: more would pretend to a precision that no run has. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
