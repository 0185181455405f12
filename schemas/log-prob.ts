import { Type } from 'typebox';

/** Far below any log probability of a token, and small enough that sums do not overflow. */
const LOWEST = -1e6;

/** A reward in a request, in nats. Log odds can be above 0; src/episode/rewards.ts refuses it for the other kinds of reward. */
export const givenReward = (description?: string) =>
  Type.Number({ minimum: LOWEST, maximum: -LOWEST, ...(description !== undefined && { description }) });
