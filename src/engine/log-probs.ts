/**
 * Probabilities of distinct tokens sum to at most 1. Rounding in float32 and bf16 exceeds that by less than this
 * margin.
 */
const MOST_PROBABILITY = 1.001;
/** vLLM writes −9999 for minus infinity. No model returns so low a log probability for a token. */
export const LEAST_LOG_PROB = -9999;

/**
 * Checks that log probabilities of distinct tokens after one prompt can come from a working model.
 * @param asked log probabilities of the tokens that a query reads, nats. If there are several, and they and the others are
 * all equal, "every token is equally likely". A single one may equal another one by chance.
 * @param others log probabilities of further tokens, nats
 * @returns one sentence that names the fault, or undefined if there is none
 */
export function logProbFault(asked: readonly number[], others: readonly number[]): string | undefined {
  const all = [...asked, ...others];
  if (!all.every((value) => Number.isFinite(value) && value <= 0))
    return 'A log probability is positive or not a finite number.';
  if (asked.some((value) => value <= LEAST_LOG_PROB)) return 'A log probability is minus infinity.';
  if (asked.length > 1 && new Set(all).size === 1)
    return 'Every token is equally likely: the model is not loaded correctly.';
  const sum = all.reduce((total, value) => total + Math.exp(value), 0);
  if (sum > MOST_PROBABILITY) return 'The probabilities of different tokens sum to more than 1.';
  return undefined;
}

/**
 * Checks the log probabilities of the most likely tokens. Unlike those of chosen tokens, they may all be the same.
 * @param values nats
 * @returns one sentence that names the fault, or undefined if there is none
 */
export function topFault(values: readonly number[]): string | undefined {
  if (!values.every((value) => Number.isFinite(value) && value <= 0))
    return 'A log probability is positive or not a finite number.';
  if (values.some((value) => value <= LEAST_LOG_PROB)) return 'A log probability is minus infinity.';
  const sum = values.reduce((total, value) => total + Math.exp(value), 0);
  return sum > MOST_PROBABILITY ? 'The probabilities of different tokens sum to more than 1.' : undefined;
}

/**
 * The log probability of each set of tokens: the logarithm of the sum of their probabilities.
 * @param logProbs of the tokens of all sets, one set after the other, nats
 * @param sizes number of tokens of each set, at least one
 * @returns nats, at most 0
 */
export function setLogProbs(logProbs: readonly number[], sizes: readonly number[]): number[] {
  let from = 0;
  return sizes.map((size) => {
    const set = logProbs.slice(from, from + size);
    from += size;
    const [only, ...more] = set;
    if (only !== undefined && more.length === 0) return only;
    const most = Math.max(...set);
    return Math.min(0, most + Math.log(set.reduce((sum, value) => sum + Math.exp(value - most), 0)));
  });
}
