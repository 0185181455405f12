import { consecutivePairs } from './consecutive-pairs.ts';

/** Mean μ and standard deviation σ of the progress per chunk. */
interface Statistics {
  mean: number;
  std: number;
}

/**
 * Weights for behaviour cloning, for each step from one prefix to the next: clip(τ·exp(Δprogress), 0, δmax).
 * Source: arXiv 2602.19313, τ = δmax = 2.
 * @param progress 0…1, in the order of the prefixes
 * @returns one value fewer than progress
 */
export function cloningWeights(progress: number[], tau: number, deltaMax: number): number[] {
  return consecutivePairs(progress).map(([from, to]) => Math.min(deltaMax, Math.max(0, tau * Math.exp(to - from))));
}

/**
 * Progress in the next `chunk` frames. If the episode ends earlier, progress until its last frame, as in LeRobot; the last frame
 * itself has 0.
 * @param curve progress of every frame
 * @returns one value for each frame
 */
export function chunkDeltas(curve: number[], chunk: number): number[] {
  const last = curve.at(-1);
  if (last === undefined) return [];
  return curve.map((value, t) => (curve[t + chunk] ?? last) - value);
}

/** Mean and population standard deviation (numpy.mean, numpy.std) of at least one value. */
export function statisticsOf(values: number[]): Statistics {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) };
}

/** The statistics as LeRobot uses them: a mean of at least 0 and a standard deviation of at least ε. */
export function usableStatistics({ mean, std }: Statistics, epsilon: number): Statistics {
  return { mean: Math.max(mean, 0), std: Math.max(std, epsilon) };
}

/**
 * LeRobot's RA-BC weights: 1 if Δ > κ, 0 if Δ < 0, else clip((Δ − (μ − 2σ)) / (4σ + ε), 0, 1).
 * Source: LeRobot, `RABCWeights`, before it scales a batch to a mean of 1. LeRobot rounds to float32; this is float64.
 * @param deltas Δ, progress per chunk, for each frame
 * @param statistics the result of usableStatistics
 */
export function rabcWeights(
  deltas: number[],
  { mean, std }: Statistics,
  { kappa, epsilon }: { kappa: number; epsilon: number },
): number[] {
  return deltas.map((delta) => {
    if (delta > kappa) return 1;
    if (delta < 0) return 0;
    return Math.min(1, Math.max(0, (delta - (mean - 2 * std)) / (4 * std + epsilon)));
  });
}
