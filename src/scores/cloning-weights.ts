/** μ and σ of the progress made in a chunk. */
export interface Statistics {
  mean: number;
  std: number;
}

/**
 * Weights for behaviour cloning from one prefix to the next: clip(τ·exp(Δprogress), 0, δmax).
 * Source: arXiv 2602.19313, τ = δmax = 2.
 * @param progress 0…1, by rising prefix length
 * @returns one fewer than progress
 */
export function cloningWeights(progress: number[], tau: number, deltaMax: number): number[] {
  return progress
    .slice(1)
    .map((next, i) => Math.min(deltaMax, Math.max(0, tau * Math.exp(next - (progress[i] as number)))));
}

/**
 * Progress made in the next `chunk` frames. Where the episode ends sooner, until its last frame, as LeRobot does: the last
 * frame itself has 0.
 * @param curve progress of every frame
 */
export function chunkDeltas(curve: number[], chunk: number): number[] {
  return curve.map((value, t) => (curve[Math.min(t + chunk, curve.length - 1)] as number) - value);
}

/** Mean and standard deviation of the whole population (numpy.mean, numpy.std) of at least one value. */
export function statisticsOf(values: number[]): Statistics {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) };
}

/** The statistics as LeRobot uses them: a mean of at least 0, a deviation of at least ε. */
export function usableStatistics({ mean, std }: Statistics, epsilon: number): Statistics {
  return { mean: Math.max(mean, 0), std: Math.max(std, epsilon) };
}

/**
 * LeRobot's RA-BC weights: 1 where Δ > κ, 0 where Δ < 0, else clip((Δ − (μ − 2σ)) / (4σ + ε), 0, 1).
 * Source: LeRobot, `RABCWeights`, before it scales a batch to a mean of 1; in float64, where LeRobot rounds to float32.
 * @param deltas progress made in a chunk, per frame
 * @param statistics usable ones
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
