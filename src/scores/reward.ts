import type { RewardKind } from '../../schemas/answers.ts';

/**
 * The reward of a prefix.
 * @param logProbTrue log probability of True, nats
 * @param logProbFalse log probability of False, nats
 * @returns nats; above 0 only for `log_odds`
 */
export function rewardOf(kind: RewardKind, logProbTrue: number, logProbFalse: number): number {
  if (kind === 'log_prob') return logProbTrue;
  const logOdds = logProbTrue - logProbFalse;
  return kind === 'log_odds' ? logOdds : logSigmoid(logOdds);
}

/** The logarithm of 1 / (1 + exp(−x)). The exponent is never positive, so nothing overflows. */
function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}
