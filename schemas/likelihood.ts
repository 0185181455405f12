import { type Static, Type } from 'typebox';
import { LikelihoodReward } from './method.ts';
import {
  curveMembers,
  LogProb,
  prefixPlace,
  prefixProgress,
  prefixProvenance,
  resultId,
  resultWarnings,
  Token,
  Usage,
} from './reward.ts';

const TextLogProbs = Type.Object(
  {
    sum: LogProb('Log probability of all tokens together, in nats.'),
    mean: LogProb('Mean log probability of a token, in nats.'),
    tokens: Type.Array(LogProb('Log probability of one token, after those before it, in nats.'), {
      description: 'One value for each token of the provenance, in the same order.',
    }),
  },
  { title: 'TextLogProbs', description: 'How likely a text is after the video.' },
);
export type TextLogProbs = Static<typeof TextLogProbs>;

/** What is known about one prefix before the other prefixes are scored. */
export const prefixLikelihood = {
  ...prefixPlace,
  without_full_stop: TextLogProbs,
  with_full_stop: TextLogProbs,
  reward: LogProb(
    'The reward of the prefix, in nats: one of these four numbers, as `likelihood` of the request chooses.',
  ),
};

const PrefixLikelihood = Type.Object(
  { ...prefixLikelihood, progress: prefixProgress },
  { title: 'PrefixLikelihood', description: 'How likely the instruction is after one prefix.' },
);
export type PrefixLikelihood = Static<typeof PrefixLikelihood>;

const tokens = (description: string) => Type.Array(Token, { description });

const LikelihoodProvenance = Type.Object(
  {
    ...prefixProvenance,
    likelihood: Type.Object(
      {
        reward: LikelihoodReward(),
        full_stop: Type.Boolean({ description: 'Whether `reward` counts the full stop.' }),
      },
      { title: 'ChosenLikelihood', description: 'What `reward` is.' },
    ),
    instruction_tokens: tokens('Tokens of the instruction. They follow `prompt.text`.'),
    full_stop_tokens: tokens(
      'Tokens of the instruction with a full stop after it. They are others than those above and one more if the instruction itself ends with a full stop.',
    ),
  },
  { title: 'LikelihoodProvenance', description: 'How the numbers were made.' },
);

export const LikelihoodResult = Type.Object(
  {
    method: Type.Enum(['instruction_likelihood'], { description: 'The method of the request.' }),
    id: resultId,
    prefixes: Type.Array(PrefixLikelihood, { description: 'The requested prefixes, in increasing length.' }),
    ...curveMembers,
    usage: Usage,
    provenance: LikelihoodProvenance,
    warnings: resultWarnings,
  },
  {
    title: 'LikelihoodResult',
    description: 'An episode that was scored with the method `instruction_likelihood`.',
  },
);
export type LikelihoodResult = Static<typeof LikelihoodResult>;
