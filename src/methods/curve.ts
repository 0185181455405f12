import type { RewardResult } from '../../schemas/reward.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { ChosenScale, CorrectedScale } from '../episode/progress-scale.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import type { Scored } from '../result/scored.ts';
import { trainingSignals } from '../result/training.ts';
import { boundedProgress, denseCurve, extent, minMaxProgress } from '../scores/progress.ts';
import { finalScore } from '../scores/success.ts';
import { valueOrderCorrelation } from '../scores/value-order-correlation.ts';

/** Nats. Twice the effect of batching and cache hits on log probabilities of a bf16 engine, which is up to 0.1 nat. */
export const NOISE = 0.2;

/** What is computed from the rewards of the prefixes, whatever the method. */
export interface Curve
  extends Pick<RewardResult, 'progress_curve' | 'progress_scale' | 'score' | 'log_prob_range' | 'voc' | 'training'> {
  /** one value for each prefix, 0…1, or null for scale `none` */
  progress: number[] | null;
}

/**
 * Computes progress, score, range, correlation and training signals from the rewards of an episode.
 * @param rewards one for each prefix, nats
 * @param flatBelow the range below which the curve is noise, nats
 */
export function curveOf({ request, frames, plan }: Scored, rewards: number[], flatBelow: number): Curve {
  const lengths = plan.prefixes.map(({ length }) => length);
  const progress = progressOf(rewards, request.progress);
  const curve = progress && denseCurve(lengths, progress, frames.count);
  const { min, max } = extent(rewards);
  // If all prefixes have the same sampled frames, there is one value, which has no range: the curve is neither flat nor not flat.
  const flat = distinctPrefixes(plan) > 1 ? max - min < flatBelow : null;
  return {
    progress,
    progress_curve: curve,
    progress_scale: request.progress,
    score: finalScore(rewards, request.finalPrefixes),
    log_prob_range: { min, max, span: max - min, flat, flat_below: flatBelow },
    voc: correlationOf(rewards, request),
    training: request.training
      ? trainingSignals(request.training, { lengths, rewards, progress, curve, frameCount: frames.count })
      : null,
  };
}

/** How many prefixes differ in their sampled frames. */
export function distinctPrefixes({ prefixes }: EpisodePlan): number {
  return new Set(prefixes.map(({ query }) => query)).size;
}

/**
 * Progress of a curve.
 * @param values one for each prefix, nats
 * @returns one value for each prefix, 0…1, or null for scale `none`
 */
export function progressOf(values: number[], { scale, bounds }: ChosenScale | CorrectedScale): number[] | null {
  if (scale === 'bounds') return boundedProgress(values, bounds);
  return scale === 'episode' ? minMaxProgress(values) : null;
}

/** VOC of a curve, with the value that the request wants if it is undefined. */
export function correlationOf(values: number[], { undefinedVoc }: Pick<EpisodeRequest, 'undefinedVoc'>): number | null {
  return valueOrderCorrelation(values) ?? (undefinedVoc === 'zero' ? 0 : null);
}
