import type { RewardResult } from '../../../schemas/reward.ts';
import type { PrefixEvent } from '../../../schemas/reward-event.ts';
import type { DefaultQuery } from '../../engine/engine.ts';
import type { ReadAnswers } from '../../plan/answer-steps.ts';
import type { EpisodePlan } from '../../plan/plan.ts';
import type { PrefixMethod } from '../method.ts';
import { planPrefixes } from '../prefixes.ts';
import { tokensOfAnswers } from './answer-tokens.ts';
import { withSteps } from './answers.ts';
import { readOf, statement, trueAndFalse } from './prompt.ts';
import { prefixScores, rewardResult } from './result.ts';

/** The line of one prefix, without the counts. */
type PrefixLine = Omit<PrefixEvent, 'known' | 'total'>;

/**
 * TOPReward (arXiv 2602.19313): the reward of a prefix is the log probability that the model answers True when it is asked whether
 * the video completes the task.
 */
export const TOPREWARD = {
  read: trueAndFalse,
  text: statement,
  tokens: tokensOfAnswers,
  steps: ({ steps }) => steps.length,
  listed: () => 2,
  plan(input, family) {
    const { instruction, answers, topAnswers } = input.request;
    const prefixes = planPrefixes(input, family, { text: statement(instruction, family), read: readOf(answers) });
    const plan = withSteps(prefixes, input.tokens);
    return topAnswers === undefined ? plan : readingTop(plan, topAnswers);
  },
  prefixes: (...scored) => prefixScores(...scored).map((score) => ({ event: 'prefix', ...score })),
  result: rewardResult,
} satisfies DefaultQuery & PrefixMethod<ReadAnswers, PrefixLine, RewardResult>;

/** The plan whose longest query also reads the most likely next tokens. */
function readingTop(plan: EpisodePlan, top: number): EpisodePlan {
  const [longest, ...shorter] = plan.queries;
  return { ...plan, queries: [{ ...longest, read: { ...longest.read, top } }, ...shorter] };
}
