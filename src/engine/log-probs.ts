/** Log probabilities of the two tokens that a query reads: natural logarithms, at most 0. */
export interface LogProbPair {
  true: number;
  false: number;
}

/**
 * Probabilities of distinct tokens sum to at most 1. Rounding in float32 and bf16 exceeds that by less than this
 * margin.
 */
const MOST_PROBABILITY = 1.001;
/** vLLM writes −9999 for minus infinity. No model returns so low a log probability for a token. */
const LEAST_LOG_PROB = -9999;

/**
 * Checks that log probabilities of distinct tokens after one prompt can come from a working model.
 * @param pair log probabilities of True and False, nats
 * @param others log probabilities of further tokens, nats. If there are none, equal numbers for True and False count as
 * "every token is equally likely".
 * @returns one sentence that names the fault, or undefined if there is none
 */
export function logProbFault(pair: LogProbPair, others: number[]): string | undefined {
  const all = [pair.true, pair.false, ...others];
  if (!all.every((value) => Number.isFinite(value) && value <= 0))
    return 'A log probability is positive or not a finite number.';
  if (pair.true <= LEAST_LOG_PROB || pair.false <= LEAST_LOG_PROB) return 'A log probability is minus infinity.';
  if (new Set(all).size === 1) return 'Every token is equally likely: the model is not loaded correctly.';
  const sum = all.reduce((total, value) => total + Math.exp(value), 0);
  if (sum > MOST_PROBABILITY) return 'The probabilities of different tokens sum to more than 1.';
  return undefined;
}
