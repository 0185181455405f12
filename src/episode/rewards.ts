import type { RewardKind } from '../../schemas/answers.ts';
import type { FieldError } from '../../schemas/problem.ts';

/**
 * Finds rewards of a request that no prefix can have: above 0, unless they are log odds.
 * @param given JSON pointers and values
 * @param reward the kind of reward that they belong to
 */
export function impossibleRewards(
  given: readonly (readonly [pointer: string, value: number | null | undefined])[],
  reward: RewardKind,
): FieldError[] {
  if (reward === 'log_odds') return [];
  return given.flatMap(([pointer, value]) =>
    value !== undefined && value !== null && value > 0 ? [{ pointer, detail: 'must be at most 0' }] : [],
  );
}
