import type { RewardResult } from '../../../schemas/reward.ts';
import type { Method } from '../method.ts';
import { planPrefixes } from '../prefixes.ts';
import { planPublished } from '../published.ts';
import { statement, trueAndFalse } from './prompt.ts';
import { type PrefixScore, prefixScore, rewardResult } from './result.ts';

/**
 * TOPReward (arXiv 2602.19313): the reward of a prefix is the log probability that the model answers True when it is asked whether
 * the video completes the task.
 */
export const TOPREWARD = {
  name: 'topreward',
  read: trueAndFalse,
  text: statement,
  plan({ request: { instruction, pipeline, prompt, clock }, schedule, lengths, size, fixedSize }, family) {
    const query = { prompt, clock, text: statement(instruction), read: trueAndFalse(prompt) };
    return pipeline === 'published'
      ? planPublished(query, family, lengths, fixedSize)
      : planPrefixes(query, family, schedule, lengths, size);
  },
  prefix: prefixScore,
  result: rewardResult,
} satisfies Method<PrefixScore, RewardResult>;
