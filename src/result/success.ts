import { DEFAULTS } from '../../schemas/defaults.ts';
import type { ScoredCurve } from '../../schemas/enumerations.ts';
import type { Success } from '../../schemas/reward.ts';
import { areDefault } from '../episode/answers.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';
import type { Scored } from './scored.ts';

/**
 * Compares the score with the first threshold that is set: by the request, its calibration, the operator, or the model. The last two
 * hold for TOPReward with the default answers only. A calibration says which score it was made from.
 * @param scores by curve, nats; that of the corrected curve is undefined without a static control
 */
export function successOf(
  scores: Record<ScoredCurve, number | undefined>,
  finalPrefixes: number,
  { request, defaults, served }: Scored,
): Success | null {
  // These two were found with TOPReward, the aligned pipeline and the default answers.
  const isUsual =
    request.method === 'topreward' && request.pipeline === 'aligned' && areDefault(request.answers, request.prompt);
  const known = [
    ['request', request.threshold, 'episode'],
    ['calibration', request.calibration?.threshold, request.calibration?.curve ?? DEFAULTS.curve],
    ['operator', isUsual ? defaults.SUCCESS_THRESHOLD : undefined, 'episode'],
    ['model', isUsual ? served.calibration?.successThreshold : undefined, 'episode'],
  ] as const;
  for (const [source, threshold, curve] of known) {
    if (threshold === undefined || threshold === null) continue;
    const score = scores[curve];
    // parseEpisode refuses such a request.
    if (score === undefined) throw new Error(`The curve ${curve} was not scored.`);
    return { flag: score >= threshold, threshold, threshold_source: source, curve, final_prefixes: finalPrefixes };
  }
  return null;
}

/** Warns if the threshold comes from scores that average another number of prefixes than this score: they are not comparable. */
export function calibrationWarnings({ calibration }: EpisodeRequest, success: Success | null): EpisodeWarning[] {
  if (success?.threshold_source !== 'calibration') return [];
  const { final_prefixes: finalPrefixes } = calibration ?? {};
  if (finalPrefixes === undefined || finalPrefixes === success.final_prefixes) return [];
  const message = `The calibration was made from scores that average ${finalPrefixes} prefixes, but this score averages ${success.final_prefixes}. Change \`success.final_prefixes\` or \`prefixes\`.`;
  return [{ code: 'calibration-final-prefixes', message }];
}
