import type { AnswerTokens, PrefixReward, Provenance, RewardResult, Token } from '../../../schemas/reward.ts';
import { areDefault, writtenAnswers } from '../../episode/answers.ts';
import { frameTime } from '../../episode/clock.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import type { ReadAnswers } from '../../plan/answer-steps.ts';
import type { NonEmpty } from '../../plan/non-empty.ts';
import type { PlannedPrefix } from '../../plan/plan.ts';
import type { EpisodeWarning } from '../../problems/warnings.ts';
import { provenanceOf } from '../../result/provenance.ts';
import { readingOf, type Scored } from '../../result/scored.ts';
import { calibrationWarnings, successOf } from '../../result/success.ts';
import { usageOf } from '../../result/usage.ts';
import { engineWarnings, pipelineWarnings, sizeWarnings } from '../../result/warnings.ts';
import { rewardOf } from '../../scores/reward.ts';
import { curveOf, NOISE } from '../curve.ts';
import { curveWarnings } from '../curve-warnings.ts';
import { answerLogProbs, prefixLogProbs } from './answers.ts';
import { controlsOf, controlWarnings } from './controls.ts';

/** What only this method says about how its numbers were made. */
type ProvenanceAnswers = Pick<Provenance, 'true_token' | 'false_token' | 'answers' | 'true_tokens' | 'false_tokens'>;

/** A prefix with what does not depend on the other prefixes. */
type PrefixScore = Omit<PrefixReward, 'progress'>;

/** With a smaller probability together, the answers are not the tokens that the model would write. */
const LIKELY = 0.01;

/**
 * The scores of prefixes with the same queries.
 * @param values what their queries read, nats
 */
export function prefixScores(
  prefixes: readonly PlannedPrefix[],
  values: readonly (readonly number[])[],
  { request, tokens }: Pick<Scored<ReadAnswers>, 'request' | 'tokens'>,
): PrefixScore[] {
  const logProbs = answerLogProbs(tokens, values);
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
export function rewardResult(scored: Scored<ReadAnswers>): RewardResult {
  const { request, frames, plan, tokens, readings } = scored;
  const logProbs = prefixLogProbs(tokens, plan, readings);
  const scores = plan.prefixes.map((prefix, i) => scoreOf(prefix, logProbs[i] ?? [], request));
  const rewards = scores.map(({ reward }) => reward);
  const curve = curveOf(scored, rewards, flatBelowOf(scored));
  const controls = controlsOf(scored, rewards);
  const success = successOf(
    { episode: curve.score, corrected: controls?.static?.corrected.score },
    Math.min(request.finalPrefixes, rewards.length),
    scored,
  );
  const { progress, ...members } = curve;
  return {
    method: 'topreward',
    ...(request.id !== undefined && { id: request.id }),
    prefixes: scores.map((each, i) => ({ ...each, progress: progress?.[i] ?? null })),
    ...members,
    success,
    top_answers: readingOf(readings, 0).top ?? null,
    controls,
    usage: usageOf(scored),
    provenance: provenanceOf(scored, answersOf(scored)),
    warnings: [
      ...frames.warnings,
      ...engineWarnings(scored),
      ...curveWarnings(scored, curve),
      ...answerWarnings(scored, scores.at(-1)),
      ...controlWarnings(controls, curve.log_prob_range),
      ...sizeWarnings(scored),
      ...pipelineWarnings(scored),
      ...calibrationWarnings(request, success),
    ],
  };
}

/** The tokens whose probability was read, and what the reward was made from. */
function answersOf({ request, tokens }: Scored<ReadAnswers>): ProvenanceAnswers {
  const { trueTokens, falseTokens } = tokens;
  return {
    true_token: firstToken(trueTokens, tokens),
    false_token: firstToken(falseTokens, tokens),
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
function flatBelowOf({ request: { answers, prompt, pipeline }, defaults, served }: Scored): number {
  // The difference of two log probabilities has the noise of both.
  if (answers.reward === 'log_odds') return 2 * NOISE;
  if (pipeline !== 'aligned' || !areDefault(answers, prompt)) return NOISE;
  return defaults.FLAT_BELOW ?? served.calibration?.flatBelow ?? NOISE;
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
