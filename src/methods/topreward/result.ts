import type { AnswerTokens, PrefixReward, Provenance, RewardResult, Token } from '../../../schemas/reward.ts';
import { areDefault, writtenAnswers } from '../../episode/answers.ts';
import { frameTime } from '../../episode/clock.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import type { ReadAnswers } from '../../plan/answer-steps.ts';
import type { NonEmpty } from '../../plan/non-empty.ts';
import type { EpisodePlan, PlannedPrefix } from '../../plan/plan.ts';
import type { EpisodeWarning } from '../../problems/warnings.ts';
import { provenanceOf } from '../../result/provenance.ts';
import { readingOf, type Scored } from '../../result/scored.ts';
import { calibrationWarnings, successOf } from '../../result/success.ts';
import { trainingSignals } from '../../result/training.ts';
import { usageOf } from '../../result/usage.ts';
import { engineWarnings, pipelineWarnings, sizeWarnings } from '../../result/warnings.ts';
import { denseCurve, extent } from '../../scores/progress.ts';
import { rewardOf } from '../../scores/reward.ts';
import { finalScore } from '../../scores/success.ts';
import { answerLogProbs, prefixLogProbs } from './answers.ts';
import { controlsOf, controlWarnings } from './controls.ts';
import { correlationOf, progressOf } from './curve.ts';

/** What only this method says about how its numbers were made. */
type ProvenanceAnswers = Pick<Provenance, 'true_token' | 'false_token' | 'answers' | 'true_tokens' | 'false_tokens'>;

/** A prefix with what does not depend on the other prefixes. */
export type PrefixScore = Omit<PrefixReward, 'progress'>;

/** Nats. Twice the effect of batching and cache hits on log probabilities of a bf16 engine, which is up to 0.1 nat. */
const NOISE = 0.2;

/** With a smaller probability together, the answers are not the tokens that the model would write. */
const LIKELY = 0.01;

/**
 * The scores of prefixes with the same queries.
 * @param values what their queries read, nats
 */
export function prefixScores(
  prefixes: readonly PlannedPrefix[],
  values: readonly (readonly number[])[],
  { request, answers }: Pick<Scored, 'request' | 'answers'>,
): PrefixScore[] {
  const logProbs = answerLogProbs(answers, values);
  return prefixes.map((prefix) => scoreOf(prefix, logProbs, request));
}

function scoreOf(
  { length, framesUsed }: PlannedPrefix,
  [logProbTrue = Number.NaN, logProbFalse = Number.NaN]: readonly number[],
  request: EpisodeRequest,
): PrefixScore {
  return {
    length,
    time_s: frameTime(request.clock, length - 1),
    frames_used: framesUsed,
    log_prob_true: logProbTrue,
    log_prob_false: logProbFalse,
    log_odds: logProbTrue - logProbFalse,
    reward: rewardOf(request.answers.reward, logProbTrue, logProbFalse),
  };
}

/** Builds the result of an episode from its log probabilities: progress, success, training signals, provenance and warnings. */
export function rewardResult(scored: Scored): RewardResult {
  const { request, frames, plan, answers, readings } = scored;
  const logProbs = prefixLogProbs(answers, plan, readings);
  const scores = plan.prefixes.map((prefix, i) => scoreOf(prefix, logProbs[i] ?? [], request));
  const lengths = scores.map(({ length }) => length);
  const rewards = scores.map(({ reward }) => reward);
  const progress = progressOf(rewards, request.progress);
  const curve = progress && denseCurve(lengths, progress, frames.count);
  const { min, max } = extent(rewards);
  const flatBelow = flatBelowOf(scored);
  // If all prefixes have the same sampled frames, there is one value, which has no range: the curve is neither flat nor not flat.
  const flat = distinctPrefixes(plan) > 1 ? max - min < flatBelow : null;
  const score = finalScore(rewards, request.finalPrefixes);
  const controls = controlsOf(scored, rewards);
  const success = successOf(
    { episode: score, corrected: controls?.static?.corrected.score },
    Math.min(request.finalPrefixes, rewards.length),
    scored,
  );
  return {
    ...(request.id !== undefined && { id: request.id }),
    prefixes: scores.map((each, i) => ({ ...each, progress: progress?.[i] ?? null })),
    progress_curve: curve,
    progress_scale: request.progress,
    score,
    success,
    log_prob_range: { min, max, span: max - min, flat, flat_below: flatBelow },
    voc: correlationOf(rewards, request),
    training: request.training
      ? trainingSignals(request.training, { lengths, rewards, progress, curve, frameCount: frames.count })
      : null,
    top_answers: readingOf(readings, 0).top ?? null,
    controls,
    usage: usageOf(scored),
    provenance: provenanceOf(scored, answersOf(scored)),
    warnings: [
      ...frames.warnings,
      ...engineWarnings(scored),
      ...curveWarnings(scored, flat),
      ...answerWarnings(scored, scores.at(-1)),
      ...controlWarnings(controls, flat, flatBelow),
      ...sizeWarnings(scored),
      ...pipelineWarnings(scored),
      ...calibrationWarnings(request, success),
    ],
  };
}

/** The tokens whose probability was read, and what the reward was made from. */
function answersOf({ request, answers }: Scored): ProvenanceAnswers {
  const { trueTokens, falseTokens } = answers;
  return {
    true_token: firstToken(trueTokens, answers),
    false_token: firstToken(falseTokens, answers),
    answers: writtenAnswers(request.answers),
    true_tokens: trueTokens,
    false_tokens: falseTokens,
  };
}

/** The first token of the first text. */
function firstToken([{ text, ids }]: Readonly<NonEmpty<AnswerTokens>>, { steps }: ReadAnswers): Token {
  const [id, ...more] = ids;
  if (id === undefined) throw new RangeError('Each text has at least one token.');
  const second = steps.find(({ start }) => start?.ids.length === 1 && start.ids[0] === id);
  return { text: more.length > 0 && second?.start ? second.start.text : text, id };
}

/**
 * The range of rewards below which a curve is noise, in nats. The operator's and the model's hold for the aligned pipeline and the default
 * answers.
 */
function flatBelowOf({ request: { answers, prompt, pipeline }, defaults, profile }: Scored): number {
  // The difference of two log probabilities has the noise of both.
  if (answers.reward === 'log_odds') return 2 * NOISE;
  if (pipeline !== 'aligned' || !areDefault(answers, prompt)) return NOISE;
  return defaults.FLAT_BELOW ?? profile.calibration?.flatBelow ?? NOISE;
}

/** How many prefixes differ in their sampled frames. */
function distinctPrefixes({ prefixes }: EpisodePlan): number {
  return new Set(prefixes.map(({ query }) => query)).size;
}

/** Warnings about the curve of rewards. @param flat whether the curve is flat, or null if it has one value only */
function curveWarnings({ request, plan }: Scored, flat: boolean | null): EpisodeWarning[] {
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

/** Warns if the model hardly ever continues with one of the answers that the request chose: their ratio says little then. */
function answerWarnings({ request }: Scored, longest: PrefixScore | undefined): EpisodeWarning[] {
  if (!longest || areDefault(request.answers, request.prompt)) return [];
  const probability = Math.exp(longest.log_prob_true) + Math.exp(longest.log_prob_false);
  if (probability >= LIKELY) return [];
  const share = probability.toExponential(1);
  const message = `After the longest prefix, all texts of \`answers\` together have a probability of ${share}, so the model would write other tokens. \`top_answers\` lists them. A text may lack its leading space.`;
  return [{ code: 'unlikely-answers', message }];
}

/** Names the requested values that a further frame of the episode would change for the earlier frames. */
function movingParts({ progress, training }: EpisodeRequest): string[] {
  return [
    ...(progress.scale === 'episode' ? ['progress'] : []),
    ...(training?.values ? ['training.values'] : []),
    ...(training?.rabc_weights ? ['training.rabc_weights'] : []),
  ];
}
