import { Type } from 'typebox';

/** Far below any log probability of a token, and small enough that sums do not overflow. */
const LOWEST = -1e6;

/** A reward in a request, or the difference of two, in nats. Other members say whether it can be above 0: src/episode/rewards.ts. */
export const givenReward = (description: string) => Type.Number({ minimum: LOWEST, maximum: -LOWEST, description });
