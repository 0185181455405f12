import { Type } from 'typebox';

/** Far below any log probability of a token, and small enough that sums do not overflow. */
const LOWEST = -1e6;

/** A log probability in a request, or the difference of two, in nats. Which of both it is depends on another member. */
export const givenScore = (description: string) => Type.Number({ minimum: LOWEST, maximum: -LOWEST, description });

/** A log probability in a request, in nats. */
export const givenLogProb = (description?: string) =>
  Type.Number({ minimum: LOWEST, maximum: 0, ...(description !== undefined && { description }) });
