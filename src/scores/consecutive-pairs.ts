/**
 * Pairs each value with the value after it.
 * @returns one pair fewer than values, in their order; empty if there are fewer than two values
 */
export function consecutivePairs(values: number[]): [from: number, to: number][] {
  const [first, ...later] = values;
  if (first === undefined) return [];
  let before = first;
  return later.map((value) => {
    const from = before;
    before = value;
    return [from, value];
  });
}
