import type { RewardResult } from '../../../schemas/reward.ts';
import type { EpisodePlan } from '../../plan/plan.ts';
import type { Method } from '../method.ts';
import { planPrefixes } from '../prefixes.ts';
import { withSteps } from './answers.ts';
import { readOf, statement, trueAndFalse } from './prompt.ts';
import { type PrefixScore, prefixScores, rewardResult } from './result.ts';

/**
 * TOPReward (arXiv 2602.19313): the reward of a prefix is the log probability that the model answers True when it is asked whether
 * the video completes the task.
 */
export const TOPREWARD = {
  name: 'topreward',
  read: trueAndFalse,
  text: statement,
  plan(input, family) {
    const { instruction, answers, topAnswers } = input.request;
    const prefixes = planPrefixes(input, family, { text: statement(instruction), read: readOf(answers) });
    const plan = withSteps(prefixes, input.answers);
    return topAnswers === undefined ? plan : readingTop(plan, topAnswers);
  },
  prefixes: prefixScores,
  result: rewardResult,
} satisfies Method<PrefixScore, RewardResult>;

/** The plan whose longest query also reads the most likely next tokens. */
function readingTop(plan: EpisodePlan, top: number): EpisodePlan {
  const [longest, ...shorter] = plan.queries;
  return { ...plan, queries: [{ ...longest, read: { ...longest.read, top } }, ...shorter] };
}
