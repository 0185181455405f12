import type { RewardResult } from '../../../schemas/reward.ts';
import type { Method } from '../method.ts';
import { planPrefixes } from '../prefixes.ts';
import { readOf, statement, trueAndFalse } from './prompt.ts';
import { type PrefixScore, prefixScore, rewardResult } from './result.ts';

/**
 * TOPReward (arXiv 2602.19313): the reward of a prefix is the log probability that the model answers True when it is asked whether
 * the video completes the task.
 */
export const TOPREWARD = {
  name: 'topreward',
  read: trueAndFalse,
  text: statement,
  plan({ request: { instruction, prompt, clock, answers }, schedule, lengths }, family) {
    const query = { prompt, clock, text: statement(instruction), read: readOf(answers) };
    return planPrefixes(query, family, schedule, lengths);
  },
  prefix: prefixScore,
  result: rewardResult,
} satisfies Method<PrefixScore, RewardResult>;
