import type { CalibrationBounds } from '../../schemas/progress.ts';

/**
 * Bounds for progress: the median of the smallest and the median of the largest value of the successes. With these
 * bounds, half of the successes reach 1 and half of them start at 0. Up to half of them may be outliers.
 * @param ranges of successes, nats, at least one
 * @returns null if both medians are the same
 */
export function progressBounds(ranges: { min: number; max: number }[]): CalibrationBounds | null {
  const low = median(ranges.map(({ min }) => min));
  const high = median(ranges.map(({ max }) => max));
  return low < high ? { low, high } : null;
}

/** The middle value, or the mean of the two middle ones. */
function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
