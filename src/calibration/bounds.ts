import type { ProgressBounds } from '../../schemas/progress.ts';

/**
 * Bounds for progress: the median of the smallest and of the largest log_prob_true of successful episodes. Half of the
 * successes reach 1, and as many start at 0; up to half of them may be outliers.
 * @param ranges of successful episodes, nats, at least one
 * @returns null where the medians leave no room between them
 */
export function progressBounds(ranges: { min: number; max: number }[]): ProgressBounds | null {
  const low = median(ranges.map(({ min }) => min));
  const high = median(ranges.map(({ max }) => max));
  return low < high ? { low, high } : null;
}

/** The middle value, or the mean of the two middle ones. */
function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}
