import { type Point, pointsOf } from './points.ts';

/**
 * Progress of each prefix: log probabilities, min-max scaled to 0…1 over the episode. If all values are equal, progress is 1.
 * Source: arXiv 2602.19313, authors' code (`normalize_rewards`).
 * @param logProbs nats, at least one
 */
export function minMaxProgress(logProbs: number[]): number[] {
  const { min, max } = extent(logProbs);
  if (max === min) return logProbs.map(() => 1);
  return logProbs.map((value) => (value - min) / (max - min));
}

/**
 * Progress on fixed bounds: clip((r − low) / (high − low), 0, 1). The progress of one prefix does not depend on the others.
 * @param logProbs nats
 * @param bounds nats, low < high
 */
export function boundedProgress(logProbs: number[], { low, high }: { low: number; high: number }): number[] {
  return logProbs.map((value) => Math.min(1, Math.max(0, (value - low) / (high - low))));
}

/** Smallest and largest value of at least one. */
export function extent(values: number[]): { min: number; max: number } {
  return values.reduce(({ min, max }, value) => ({ min: Math.min(min, value), max: Math.max(max, value) }), {
    min: Infinity,
    max: -Infinity,
  });
}

/**
 * Interpolates one value for each raw frame: linear between the prefixes, constant before the first and after the last, as in
 * numpy.interp. The value of a prefix of length L is at its last frame, L − 1.
 * @param lengths increasing prefix lengths, at least one
 * @param progress one value per length
 * @returns frameCount values
 */
export function denseCurve(lengths: number[], progress: number[], frameCount: number): number[] {
  const [first, ...others] = pointsOf(lengths, progress);
  const later = others.values();
  let left = first;
  let right: Point | undefined = first;
  return Array.from({ length: frameCount }, (_, frame) => {
    const length = frame + 1;
    while (right && right.length < length) {
      left = right;
      right = later.next().value;
    }
    if (!right) return left.value;
    // At the prefix itself the formula below would be off by a rounding error, and progress could exceed 1.
    if (right === first || right.length === length) return right.value;
    return left.value + ((right.value - left.value) * (length - left.length)) / (right.length - left.length);
  });
}
