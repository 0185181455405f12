import type { EpisodeRequest } from '../../episode/episode.ts';
import type { ChosenScale, CorrectedScale } from '../../episode/progress-scale.ts';
import { boundedProgress, minMaxProgress } from '../../scores/progress.ts';
import { valueOrderCorrelation } from '../../scores/value-order-correlation.ts';

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
