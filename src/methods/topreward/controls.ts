import type { ControlCurve, Controls, CorrectedCurve } from '../../../schemas/controls.ts';
import type { EpisodeRequest, RequestedControls } from '../../episode/episode.ts';
import type { ControlName } from '../../plan/controls.ts';
import type { EpisodeWarning } from '../../problems/warnings.ts';
import { readingOf, type Scored, type ScoredControl } from '../../result/scored.ts';
import { tokensOf } from '../../result/usage.ts';
import { extent } from '../../scores/progress.ts';
import { finalScore } from '../../scores/success.ts';
import { correlationOf, progressOf } from './curve.ts';

/**
 * The requested controls of an episode, or null if none was requested.
 * @param rewards log_prob_true of each prefix of the episode, nats
 */
export function controlsOf({ request, controls }: Scored, rewards: number[]): Controls | null {
  const { controls: requested } = request;
  if (!requested) return null;
  const curve = (name: ControlName): ControlCurve | null => {
    const control = controls.find((each) => each.name === name);
    return control ? curveOf(control, request) : null;
  };
  const still = curve('static');
  return {
    static: still && { ...still, corrected: correctedCurve(rewards, still.log_prob_true, request, requested) },
    reversed: curve('reversed'),
    other_instruction: curve('other_instruction'),
  };
}

function curveOf({ plan, readings }: ScoredControl, request: EpisodeRequest): ControlCurve {
  const logProbs = plan.prefixes.map(({ query }) => logProbTrue(readingOf(readings, query).values));
  return {
    log_prob_true: logProbs,
    span: rangeOf(logProbs).span,
    voc: correlationOf(logProbs, request),
    ...tokensOf([...readings.values()]),
  };
}

/** @param values log probabilities of True and of False, nats */
function logProbTrue([value = Number.NaN]: readonly number[]): number {
  return value;
}

/**
 * The curve of an episode without what a static video of the same length gets.
 * @param rewards log probabilities of the episode, nats
 * @param still log probabilities of the static video, nats, one for each of the rewards
 */
function correctedCurve(
  rewards: number[],
  still: number[],
  request: EpisodeRequest,
  { correctedScale }: RequestedControls,
): CorrectedCurve {
  const values = rewards.map((reward, i) => reward - (still[i] ?? Number.NaN));
  return {
    values,
    progress: progressOf(values, correctedScale),
    progress_scale: correctedScale,
    score: finalScore(values, request.finalPrefixes),
    range: rangeOf(values),
    voc: correlationOf(values, request),
  };
}

function rangeOf(values: number[]): CorrectedCurve['range'] {
  const { min, max } = extent(values);
  return { min, max, span: max - min };
}

/**
 * Warns if a static video explains the curve of the episode.
 * @param isFlat whether the curve of the episode is flat, or null if it has one value only
 * @param flatBelow nats
 */
export function controlWarnings(
  controls: Controls | null,
  isFlat: boolean | null,
  flatBelow: number,
): EpisodeWarning[] {
  const { corrected } = controls?.static ?? {};
  if (!corrected || isFlat !== false || corrected.range.span >= flatBelow) return [];
  const message = `The static video has nearly the same curve: after its correction the curve spans less than ${flatBelow} nats. The rise comes from the length of the video, not from what happens in it.`;
  return [{ code: 'like-static-video', message }];
}
