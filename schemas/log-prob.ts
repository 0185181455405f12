import { Type } from 'typebox';

/** Far below any log probability of a token, and far from where arithmetic overflows. */
const LOWEST = -1e6;

/** A log probability that a caller sends, in nats. */
export const givenLogProb = (description?: string) =>
  Type.Number({ minimum: LOWEST, maximum: 0, ...(description !== undefined && { description }) });
