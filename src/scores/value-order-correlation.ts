import { averageRanks } from './ranks.ts';

/**
 * Value-order correlation: Spearman's rank correlation of the values with their own order. Ties get average ranks.
 * Source: GVL (arXiv 2411.04549), used by arXiv 2602.19313.
 * @returns −1…1, or null if it is undefined: fewer than two values, or all values equal (the reference then reports 0)
 */
export function valueOrderCorrelation(values: number[]): number | null {
  const ranks = averageRanks(values);
  const mean = (values.length + 1) / 2;
  let covariance = 0;
  let rankVariance = 0;
  let orderVariance = 0;
  ranks.forEach((rank, i) => {
    const order = i + 1 - mean;
    covariance += (rank - mean) * order;
    rankVariance += (rank - mean) ** 2;
    orderVariance += order ** 2;
  });
  if (rankVariance === 0 || orderVariance === 0) return null;
  const correlation = covariance / Math.sqrt(rankVariance * orderVariance);
  return Math.max(-1, Math.min(1, correlation));
}
