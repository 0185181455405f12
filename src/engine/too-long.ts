import type { PrefixQuery } from '../plan/plan.ts';
import { ProblemError } from '../problems.ts';

/**
 * The problem of an episode that the model's context does not hold.
 * @param fitting about how many sampled frames the engine takes
 */
export function tooLong({ framesUsed }: PrefixQuery, fitting: number, cause?: unknown): ProblemError {
  const detail = `The longest prefix shows ${framesUsed} sampled frames (2 a second); about ${fitting} fit. Send a shorter episode, shorter prefixes or, where the engine takes them, smaller frames.`;
  return new ProblemError('context-exceeded', detail, { limit: fitting }, cause);
}
