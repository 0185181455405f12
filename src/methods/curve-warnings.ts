import { frameTime } from '../episode/clock.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';
import type { Scored } from '../result/scored.ts';
import { type Curve, distinctPrefixes } from './curve.ts';

/** Warnings about the curve of rewards, whatever the method. */
export function curveWarnings({ request, plan }: Scored, { log_prob_range: { flat } }: Curve): EpisodeWarning[] {
  const warnings: EpisodeWarning[] = [];
  if (flat) {
    warnings.push({
      code: 'flat-curve',
      message: `The log probabilities hardly change: ${request.progress.scale === 'episode' ? 'progress and voc are' : 'voc is'} unreliable, since the curve is mostly noise.`,
    });
  }
  const moving = movingParts(request);
  if (request.frameDigests && moving.length > 0) {
    warnings.push({
      code: 'unfinished-episode',
      message: `\`frame_digests\` marks the episode as unfinished. These values change when the episode gains frames: ${moving.join(', ')}.`,
    });
  }
  const isMinMax = request.progress.scale === 'episode';
  if (distinctPrefixes(plan) === 1 && (plan.prefixes.length > 1 || isMinMax)) {
    const seconds = frameTime(request.clock, (plan.prefixes.at(-1)?.length ?? 1) - 1);
    const same = `All prefixes contain the same sampled frames, so they have the same value. The longest prefix ends at ${seconds.toFixed(2)} s: if that is too short, \`fps\` is too high.`;
    const progress = isMinMax ? ' Min-max progress is then 1, whatever the value.' : '';
    warnings.push({ code: 'identical-prefixes', message: `${same}${progress}` });
  }
  return warnings;
}

/** Names the requested values that a further frame of the episode would change for the earlier frames. */
function movingParts({ progress, training }: EpisodeRequest): string[] {
  return [
    ...(progress.scale === 'episode' ? ['progress'] : []),
    ...(training?.values ? ['training.values'] : []),
    ...(training?.rabc_weights ? ['training.rabc_weights'] : []),
  ];
}
