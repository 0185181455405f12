import { type Static, Type } from 'typebox';
import { byMember } from './discriminator.ts';
import { prefixLikelihood } from './likelihood.ts';
import { Problem } from './problem.ts';
import { EpisodeResult } from './result.ts';
import { prefixScore } from './reward.ts';

const counts = {
  known: Type.Integer({ minimum: 1, description: 'Number of prefixes sent so far, this one included.' }),
  total: Type.Integer({ minimum: 1, description: 'Number of prefixes in the complete response.' }),
};

export const PrefixEvent = Type.Object(
  {
    event: Type.Enum(['prefix'], { description: 'Kind of this line.' }),
    ...prefixScore,
    ...counts,
  },
  {
    title: 'PrefixEvent',
    description: 'The log probabilities of one prefix. The line is sent as soon as they are known.',
  },
);
export type PrefixEvent = Static<typeof PrefixEvent>;

export const LikelihoodPrefixEvent = Type.Object(
  {
    event: Type.Enum(['likelihood_prefix'], { description: 'Kind of this line.' }),
    ...prefixLikelihood,
    ...counts,
  },
  {
    title: 'LikelihoodPrefixEvent',
    description:
      'The same for the method `instruction_likelihood`: how likely the instruction is after one prefix, as soon as it is known.',
  },
);

export type LikelihoodPrefixEvent = Static<typeof LikelihoodPrefixEvent>;

export const ResultEvent = Type.Object(
  { event: Type.Enum(['result'], { description: 'Kind of this line.' }), result: EpisodeResult },
  { title: 'ResultEvent', description: 'The last line: the same result as in a response of one JSON document.' },
);

export type ResultEvent = Static<typeof ResultEvent>;

const ProblemEvent = Type.Object(
  { event: Type.Enum(['problem'], { description: 'Kind of this line.' }), problem: Problem },
  { title: 'ProblemEvent', description: 'The last line if scoring failed after the first line was sent.' },
);

/** One line of a response in lines. */
export const RewardEvent = Type.Union([PrefixEvent, LikelihoodPrefixEvent, ResultEvent, ProblemEvent], {
  title: 'RewardEvent',
  description:
    'One line: any number of `prefix` lines (of `likelihood_prefix` lines with that method, none with `gvl`), in the order in which they are known, then one `result` or `problem`.',
  discriminator: byMember('event', {
    prefix: PrefixEvent,
    likelihood_prefix: LikelihoodPrefixEvent,
    result: ResultEvent,
    problem: ProblemEvent,
  }),
});
export type RewardEvent = Static<typeof RewardEvent>;
