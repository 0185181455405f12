import { DEFAULTS } from '../../schemas/defaults.ts';
import type { TrainingOptions, TrainingSignals } from '../../schemas/training.ts';
import { chunkDeltas, cloningWeights, rabcWeights, statisticsOf, usableStatistics } from '../scores/cloning-weights.ts';
import { shapingRewards } from '../scores/shaping.ts';
import { discountedValues, frameRewards } from '../scores/values.ts';

/** The scores that training signals are computed from. `progress` and `curve` are both null, or neither is. */
interface Scores {
  /** increasing prefix lengths, in frames */
  lengths: number[];
  /** reward of each prefix, nats */
  rewards: number[];
  /** one value for each prefix, 0…1 */
  progress: number[] | null;
  /** progress of every frame, 0…1 */
  curve: number[] | null;
  frameCount: number;
}

/**
 * Computes the requested training signals; those that were not requested are null. src/episode/progress-scale.ts has checked
 * that there is progress if a signal needs it.
 */
export function trainingSignals(options: TrainingOptions, scores: Scores): TrainingSignals {
  const { values, shaping, cloning_weights, rabc_weights } = options;
  const { progress, curve } = scores;
  return {
    values: values ? valuesOf(values, scores) : null,
    shaping: shaping && progress ? shapingOf(shaping, progress) : null,
    cloning_weights: cloning_weights && progress ? cloningWeightsOf(cloning_weights, progress) : null,
    rabc_weights: rabc_weights && curve ? rabcWeightsOf(rabc_weights, curve) : null,
  };
}

function valuesOf(
  { gamma = DEFAULTS.gamma, missing = DEFAULTS.missing }: NonNullable<TrainingOptions['values']>,
  { lengths, rewards, frameCount }: Scores,
): TrainingSignals['values'] {
  return { gamma, missing, per_frame: discountedValues(frameRewards(lengths, rewards, frameCount, missing), gamma) };
}

function shapingOf(
  { gamma = DEFAULTS.gamma }: NonNullable<TrainingOptions['shaping']>,
  progress: number[],
): TrainingSignals['shaping'] {
  return { gamma, per_step: shapingRewards(progress, gamma) };
}

function cloningWeightsOf(
  { tau = DEFAULTS.tau, delta_max = DEFAULTS.delta_max }: NonNullable<TrainingOptions['cloning_weights']>,
  progress: number[],
): TrainingSignals['cloning_weights'] {
  return { tau, delta_max, per_step: cloningWeights(progress, tau, delta_max) };
}

function rabcWeightsOf(
  {
    chunk,
    kappa = DEFAULTS.kappa,
    epsilon = DEFAULTS.epsilon,
    statistics,
  }: NonNullable<TrainingOptions['rabc_weights']>,
  curve: number[],
): TrainingSignals['rabc_weights'] {
  const deltas = chunkDeltas(curve, chunk);
  const own = statisticsOf(deltas);
  const used = usableStatistics(statistics ?? own, epsilon);
  return {
    chunk,
    kappa,
    epsilon,
    statistics: used,
    source: statistics ? 'request' : 'episode',
    episode_statistics: own,
    per_frame: rabcWeights(deltas, used, { kappa, epsilon }),
  };
}
