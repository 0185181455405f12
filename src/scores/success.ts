/**
 * Mean log probability over the final prefixes: the score that is compared with a success threshold.
 * @param logProbs nats, by increasing prefix length, at least one
 * @param count how many of them; all of them if there are fewer
 */
export function finalScore(logProbs: number[], count: number): number {
  const final = logProbs.slice(-count);
  return final.reduce((sum, value) => sum + value, 0) / final.length;
}
