import type { ControlCurve, Controls, CorrectedCurve } from '../../../schemas/controls.ts';
import type { RewardResult } from '../../../schemas/reward.ts';
import type { RequestedControls } from '../../episode/controls.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import type { ReadAnswers } from '../../plan/answer-steps.ts';
import type { ControlName } from '../../plan/controls.ts';
import type { EpisodeWarning } from '../../problems/warnings.ts';
import type { Scored, ScoredControl } from '../../result/scored.ts';
import { tokensOf } from '../../result/usage.ts';
import { extent } from '../../scores/progress.ts';
import { rewardOf } from '../../scores/reward.ts';
import { finalScore } from '../../scores/success.ts';
import { correlationOf, progressOf } from '../curve.ts';
import { prefixLogProbs } from './answers.ts';

/**
 * The requested controls of an episode, or null if none was requested.
 * @param rewards of each prefix of the episode, nats
 */
export function controlsOf({ request, tokens, controls }: Scored<ReadAnswers>, rewards: number[]): Controls | null {
  const { controls: requested } = request;
  if (!requested) return null;
  const curve = (name: ControlName): ControlCurve | null => {
    const control = controls.find((each) => each.name === name);
    return control ? curveOf(control, { request, tokens }) : null;
  };
  const still = curve('static');
  return {
    static: still && { ...still, corrected: correctedCurve(rewards, still.rewards, request, requested) },
    reversed: curve('reversed'),
    other_instruction: curve('other_instruction'),
  };
}

function curveOf(
  { plan, readings }: ScoredControl,
  { request, tokens }: Pick<Scored<ReadAnswers>, 'request' | 'tokens'>,
): ControlCurve {
  const read = prefixLogProbs(tokens, plan, readings);
  const rewards = read.map(([logProbTrue = Number.NaN, logProbFalse = Number.NaN]) =>
    rewardOf(request.answers.reward, logProbTrue, logProbFalse),
  );
  return {
    log_prob_true: read.map(([logProbTrue = Number.NaN]) => logProbTrue),
    rewards,
    span: rangeOf(rewards).span,
    voc: correlationOf(rewards, request),
    ...tokensOf([...readings.values()]),
  };
}

/**
 * The curve of an episode without what a static video of the same length gets.
 * @param rewards of the episode, nats
 * @param still rewards of the static video, nats, one for each of the rewards
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

/** Warns if a static video explains the curve of the episode. @param range of the episode's own curve */
export function controlWarnings(
  controls: Controls | null,
  { flat, flat_below: flatBelow }: RewardResult['log_prob_range'],
): EpisodeWarning[] {
  const { corrected } = controls?.static ?? {};
  if (!corrected || flat !== false || corrected.range.span >= flatBelow) return [];
  const message = `The static video has nearly the same curve: after its correction the curve spans less than ${flatBelow} nats. The rise comes from the length of the video, not from what happens in it.`;
  return [{ code: 'like-static-video', message }];
}
