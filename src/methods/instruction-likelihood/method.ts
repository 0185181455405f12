import type { LikelihoodResult } from '../../../schemas/likelihood.ts';
import type { LikelihoodPrefixEvent } from '../../../schemas/reward-event.ts';
import { mapAll } from '../../plan/non-empty.ts';
import type { EpisodePlan, Query } from '../../plan/plan.ts';
import type { PrefixMethod } from '../method.ts';
import { planPrefixes } from '../prefixes.ts';
import { BEFORE_INSTRUCTION } from './prompt.ts';
import { likelihoodResult, prefixLikelihoods } from './result.ts';
import { type InstructionTokens, readsOf, tokensOfInstruction } from './tokens.ts';

/** The line of one prefix, without the counts. */
type PrefixLine = Omit<LikelihoodPrefixEvent, 'known' | 'total'>;

/**
 * Instruction likelihood: the reward of a prefix is the log probability of the instruction's own tokens after the video. The paper compares it
 * with TOPReward.
 * Source: arXiv 2602.19313, Appendix A, Eq. 6.
 */
export const INSTRUCTION_LIKELIHOOD = {
  tokens: tokensOfInstruction,
  steps: (tokens) => readsOf(tokens).reduce((sum, { follows }) => sum + follows.ids.length, 0),
  listed: ({ withStop, withoutStop }) => withStop.tokens.length + withoutStop.tokens.length,
  plan(input, family) {
    const [read, second] = readsOf(input.tokens);
    const plan = planPrefixes(input, family, { text: BEFORE_INSTRUCTION, read });
    return second ? alsoReading(plan, second) : plan;
  },
  prefixes: (...scored) => prefixLikelihoods(...scored).map((each) => ({ event: 'likelihood_prefix', ...each })),
  result: likelihoodResult,
} satisfies PrefixMethod<InstructionTokens, PrefixLine, LikelihoodResult>;

/** Adds a second query to each query of a plan, about the same frames. */
function alsoReading(plan: EpisodePlan, read: Query['read']): EpisodePlan {
  const [longest, ...shorter] = plan.queries;
  const second = (query: Query): Query => ({ ...query, read });
  // Prefixes with the same sampled frames share one list: there can be 10,000 of them.
  const further = plan.queries.map((_, query) => [2 * query + 1]);
  return {
    ...plan,
    queries: [longest, second(longest), ...shorter.flatMap((query) => [query, second(query)])],
    prefixes: mapAll(plan.prefixes, (prefix) => ({
      ...prefix,
      query: 2 * prefix.query,
      further: further[prefix.query] ?? [],
    })),
  };
}
