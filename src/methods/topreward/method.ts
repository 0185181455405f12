import type { RewardResult } from '../../../schemas/reward.ts';
import type { EpisodePlan } from '../../plan/plan.ts';
import type { Method } from '../method.ts';
import { planPrefixes } from '../prefixes.ts';
import { planPublished } from '../published.ts';
import { withSteps } from './answers.ts';
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
  plan({ request, schedule, lengths, size, fixedSize, answers }, family) {
    const { instruction, pipeline, prompt, clock, topAnswers } = request;
    const query = { prompt, clock, text: statement(instruction), read: readOf(request.answers) };
    const prefixes =
      pipeline === 'published'
        ? planPublished(query, family, lengths, fixedSize)
        : planPrefixes(query, family, schedule, lengths, size);
    const plan = withSteps(prefixes, answers);
    return topAnswers === undefined ? plan : readingTop(plan, topAnswers);
  },
  prefix: prefixScore,
  result: rewardResult,
} satisfies Method<PrefixScore, RewardResult>;

/** The plan whose longest query also reads the most likely next tokens. */
function readingTop(plan: EpisodePlan, top: number): EpisodePlan {
  const [longest, ...shorter] = plan.queries;
  return { ...plan, queries: [{ ...longest, read: { ...longest.read, top } }, ...shorter] };
}
