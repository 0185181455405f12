import { type Static, Type } from 'typebox';
import { byEvent } from './events.ts';
import { Problem } from './problem.ts';
import { prefixScore, RewardResult } from './reward.ts';

export const PrefixEvent = Type.Object(
  {
    event: Type.Enum(['prefix'], { description: 'Kind of this line.' }),
    ...prefixScore,
    known: Type.Integer({ minimum: 1, description: 'Number of prefixes sent so far, this one included.' }),
    total: Type.Integer({ minimum: 1, description: 'Number of prefixes in the complete response.' }),
  },
  {
    title: 'PrefixEvent',
    description: 'The log probabilities of one prefix. The line is sent as soon as they are known.',
  },
);
export type PrefixEvent = Static<typeof PrefixEvent>;

export const ResultEvent = Type.Object(
  { event: Type.Enum(['result'], { description: 'Kind of this line.' }), result: RewardResult },
  { title: 'ResultEvent', description: 'The last line: the same result as in a response of one JSON document.' },
);

export type ResultEvent = Static<typeof ResultEvent>;

const ProblemEvent = Type.Object(
  { event: Type.Enum(['problem'], { description: 'Kind of this line.' }), problem: Problem },
  { title: 'ProblemEvent', description: 'The last line if scoring failed after the first line was sent.' },
);

/** One line of a response in lines. */
export const RewardEvent = Type.Union([PrefixEvent, ResultEvent, ProblemEvent], {
  title: 'RewardEvent',
  description:
    'One line: any number of `prefix` lines, in the order in which they are known, then one `result` or `problem`.',
  discriminator: byEvent({ prefix: PrefixEvent, result: ResultEvent, problem: ProblemEvent }),
});
export type RewardEvent = Static<typeof RewardEvent>;
