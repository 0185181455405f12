/** Final prefixes that are averaged when the caller does not say (arXiv 2602.19313). */
export const DEFAULT_LAST = 3;

/**
 * Mean log probability over the final prefixes: the number that is held against a success threshold.
 * @param logProbs nats, by rising prefix length, at least one
 * @param last how many of them; all where there are fewer
 */
export function finalScore(logProbs: number[], last: number): number {
  const final = logProbs.slice(-last);
  return final.reduce((sum, value) => sum + value, 0) / final.length;
}
