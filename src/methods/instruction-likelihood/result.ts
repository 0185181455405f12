import type { LikelihoodResult, PrefixLikelihood, TextLogProbs } from '../../../schemas/likelihood.ts';
import { frameTime } from '../../episode/clock.ts';
import type { ChosenLikelihood } from '../../episode/method-options.ts';
import type { PlannedPrefix } from '../../plan/plan.ts';
import { provenanceOf } from '../../result/provenance.ts';
import { type Scored, valuesOf } from '../../result/scored.ts';
import { successOf } from '../../result/success.ts';
import { usageOf } from '../../result/usage.ts';
import { engineWarnings, pipelineWarnings, sizeWarnings } from '../../result/warnings.ts';
import { curveOf, NOISE } from '../curve.ts';
import { curveWarnings } from '../curve-warnings.ts';
import { type InstructionTokens, valuesOfTexts } from './tokens.ts';

/** A prefix with what does not depend on the other prefixes. */
type Likelihood = Omit<PrefixLikelihood, 'progress'>;

/**
 * The likelihoods of prefixes with the same queries.
 * @param values what their queries read, nats
 */
export function prefixLikelihoods(
  prefixes: readonly PlannedPrefix[],
  values: readonly (readonly number[])[],
  { request, tokens }: Pick<Scored<InstructionTokens>, 'request' | 'tokens'>,
): Likelihood[] {
  const { withStop, withoutStop } = valuesOfTexts(tokens, values);
  const read = { without_full_stop: summed(withoutStop), with_full_stop: summed(withStop) };
  const { reward, fullStop } = request.likelihood;
  const chosen = { ...read, reward: (fullStop ? read.with_full_stop : read.without_full_stop)[reward] };
  return prefixes.map(({ length, framesUsed }) => ({
    length,
    time_s: frameTime(request.clock, length - 1),
    frames_used: framesUsed,
    ...chosen,
  }));
}

/** @param tokens log probability of each token, nats, at least one */
function summed(tokens: readonly number[]): TextLogProbs {
  const sum = tokens.reduce((total, value) => total + value, 0);
  return { sum, mean: sum / tokens.length, tokens: [...tokens] };
}

/** Builds the result of an episode from the log probabilities of its instruction. */
export function likelihoodResult(scored: Scored<InstructionTokens>): LikelihoodResult {
  const { request, frames, tokens } = scored;
  const likelihoods = likelihoodsOf(scored);
  const rewards = likelihoods.map(({ reward }) => reward);
  const curve = curveOf(scored, rewards, flatBelow(request.likelihood, tokens));
  const { progress, ...members } = curve;
  const success = successOf(
    { episode: curve.score, corrected: undefined },
    Math.min(request.finalPrefixes, rewards.length),
    scored,
  );
  return {
    method: 'instruction_likelihood',
    ...(request.id !== undefined && { id: request.id }),
    prefixes: likelihoods.map((each, i) => ({ ...each, progress: progress?.[i] ?? null })),
    ...members,
    success,
    usage: usageOf(scored),
    provenance: provenanceOf(scored, {
      likelihood: { reward: request.likelihood.reward, full_stop: request.likelihood.fullStop },
      instruction_tokens: tokens.withoutStop.tokens,
      full_stop_tokens: tokens.withStop.tokens,
    }),
    warnings: [
      ...frames.warnings,
      ...engineWarnings(scored),
      ...curveWarnings(scored, curve),
      ...sizeWarnings(scored),
      ...pipelineWarnings(scored),
    ],
  };
}

/** The likelihoods of all prefixes, in order. Prefixes with the same sampled frames share their values. */
function likelihoodsOf(scored: Scored<InstructionTokens>): Likelihood[] {
  const { plan, readings } = scored;
  const groups = Map.groupBy(plan.prefixes, ({ query }) => query);
  const found = [...groups.values()].flatMap((prefixes) => {
    const [first] = prefixes;
    return first ? prefixLikelihoods(prefixes, valuesOf(readings, first), scored) : [];
  });
  return found.sort((a, b) => a.length - b.length);
}

/**
 * The range of rewards below which a curve is noise, in nats. The noise of the tokens is taken to be independent.
 */
function flatBelow({ reward, fullStop }: ChosenLikelihood, { withStop, withoutStop }: InstructionTokens): number {
  const count = (fullStop ? withStop : withoutStop).tokens.length;
  return reward === 'sum' ? NOISE * Math.sqrt(count) : NOISE / Math.sqrt(count);
}
