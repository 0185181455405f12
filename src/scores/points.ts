/** The value of one prefix. */
export interface Point {
  /** length of the prefix in raw frames */
  length: number;
  value: number;
}

/**
 * Joins the length of each prefix with its value.
 * @param lengths at least one
 * @param values one for each length
 * @throws RangeError if there are no lengths, or if a length has no value
 */
export function pointsOf(lengths: number[], values: number[]): [Point, ...Point[]] {
  const [first, ...others] = lengths.map((length, i) => {
    const value = values[i];
    if (value === undefined) throw new RangeError(`The prefix of ${length} frames has no value.`);
    return { length, value };
  });
  if (!first) throw new RangeError('There are no prefixes.');
  return [first, ...others];
}
