import { type Static, Type } from 'typebox';
import { byEvent } from './events.ts';
import { Problem } from './problem.ts';
import { prefixScore, RewardResult } from './reward.ts';

export const PrefixEvent = Type.Object(
  {
    event: Type.Enum(['prefix']),
    ...prefixScore,
    known: Type.Integer({ minimum: 1, description: 'Prefixes known so far, this one included.' }),
    total: Type.Integer({ minimum: 1, description: 'Prefixes that will be known at the end.' }),
  },
  { title: 'PrefixEvent', description: 'One prefix, as soon as the model has answered.' },
);
export type PrefixEvent = Static<typeof PrefixEvent>;

export const ResultEvent = Type.Object(
  { event: Type.Enum(['result']), result: RewardResult },
  { title: 'ResultEvent', description: 'The last line: what the answer in one piece would have been.' },
);

export type ResultEvent = Static<typeof ResultEvent>;

export const ProblemEvent = Type.Object(
  { event: Type.Enum(['problem']), problem: Problem },
  { title: 'ProblemEvent', description: 'The last line where scoring failed after the first one was sent.' },
);

/** One line of an answer in lines. */
export const RewardEvent = Type.Union([PrefixEvent, ResultEvent, ProblemEvent], {
  title: 'RewardEvent',
  description: 'One line: any number of `prefix`, in whatever order they are known, then one `result` or `problem`.',
  discriminator: byEvent({ prefix: PrefixEvent, result: ResultEvent, problem: ProblemEvent }),
});
export type RewardEvent = Static<typeof RewardEvent>;
