/** Log probabilities of the tokens asked for: natural logs, ≤ 0. */
export interface LogProbPair {
  true: number;
  false: number;
}

/** Probabilities of distinct tokens sum to 1 at most; float32 and bf16 sums are off by less than this. */
const MOST_PROBABILITY = 1.001;
/** vLLM writes −9999 for minus infinity. No model gives a token so little. */
const LEAST_LOG_PROB = -9999;

/**
 * Why log probabilities of distinct tokens after one prompt cannot be a model's.
 * @param pair of True and False
 * @param others of further tokens; without any, equal numbers for True and False say that every token is alike
 * @returns one sentence, or undefined where nothing is wrong with them
 */
export function logProbFault(pair: LogProbPair, others: number[]): string | undefined {
  const all = [pair.true, pair.false, ...others];
  if (!all.every((value) => Number.isFinite(value) && value <= 0))
    return 'A log probability is not a number of 0 or less.';
  if (pair.true <= LEAST_LOG_PROB || pair.false <= LEAST_LOG_PROB) return 'A log probability is minus infinity.';
  if (new Set(all).size === 1) return 'Every token is equally likely: the model is not loaded as it should be.';
  const sum = all.reduce((total, value) => total + Math.exp(value), 0);
  if (sum > MOST_PROBABILITY) return 'The probabilities of different tokens sum to more than 1.';
  return undefined;
}
