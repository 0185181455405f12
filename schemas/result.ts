import { type Static, Type } from 'typebox';
import { byMember } from './discriminator.ts';
import { GvlResult } from './gvl.ts';
import { LikelihoodResult } from './likelihood.ts';
import { RewardResult } from './reward.ts';

/** The result of one episode, by the method of its request. */
export const EpisodeResult = Type.Union([RewardResult, LikelihoodResult, GvlResult], {
  title: 'EpisodeResult',
  description: 'A scored episode. `method` of the request decides which kind; without it, `topreward`.',
  discriminator: byMember('method', {
    topreward: RewardResult,
    instruction_likelihood: LikelihoodResult,
    gvl: GvlResult,
  }),
});
export type EpisodeResult = Static<typeof EpisodeResult>;
