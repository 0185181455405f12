import type { AucEstimate } from '../../schemas/calibration.ts';
import { averageRanks } from '../scores/ranks.ts';

/** 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054;

/**
 * Probability that a success scores higher than a failure, with ties counted half (Mann–Whitney U / mn, the area under the ROC
 * curve), and its 95 % confidence interval.
 * The interval contains every θ with |θ − AUC| ≤ z·√V(θ). V is Hanley and McNeil's variance (1982) with N* = (m + n)/2 − 1 in
 * place of m − 1 and n − 1: method 5 of Newcombe (Statistics in Medicine 25, 2006). The interval stays within 0…1. Unlike
 * DeLong's, it does not shrink to a point if the scores separate successes from failures completely.
 * @param successes scores, at least one
 * @param failures scores, at least one
 */
export function aucEstimate(successes: number[], failures: number[]): AucEstimate {
  const value = mannWhitney(successes, failures);
  const pairs = successes.length * failures.length;
  const others = (successes.length + failures.length) / 2 - 1;
  const variance = (theta: number) =>
    (theta * (1 - theta) * (1 + (others * (1 - theta)) / (2 - theta) + (others * theta) / (1 + theta))) / pairs;
  const isWithin = (theta: number) => (theta - value) ** 2 <= Z ** 2 * variance(theta);
  return { value, low: borderTowards(0, value, isWithin), high: borderTowards(1, value, isWithin) };
}

/** Share of all pairs in which the success scores higher, from the ranks of the successes among all scores. */
function mannWhitney(successes: number[], failures: number[]): number {
  const ranks = averageRanks([...successes, ...failures]).slice(0, successes.length);
  const sum = ranks.reduce((sum, rank) => sum + rank, 0);
  const lowest = (successes.length * (successes.length + 1)) / 2;
  return (sum - lowest) / (successes.length * failures.length);
}

/** Finds the border of the interval between the estimate and an end of the scale, by bisection. */
function borderTowards(end: number, value: number, isWithin: (theta: number) => boolean): number {
  let [inside, outside] = [value, end];
  for (let step = 0; step < 60; step += 1) {
    const middle = (inside + outside) / 2;
    if (isWithin(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}
