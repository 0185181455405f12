import type { RewardKind } from '../../schemas/answers.ts';
import type { ScoredCurve } from '../../schemas/enumerations.ts';
import type { FieldError } from '../../schemas/problem.ts';

/**
 * Finds rewards of a request that no prefix can have: above 0, unless they are log odds or on the corrected curve.
 * @param given JSON pointers and values
 * @param made the kind of reward that they belong to, and the curve if it can be another one
 */
export function impossibleRewards(
  given: readonly (readonly [pointer: string, value: number | null | undefined])[],
  { reward, curve }: { reward: RewardKind; curve?: ScoredCurve },
): FieldError[] {
  if (reward === 'log_odds' || curve === 'corrected') return [];
  const otherwise = curve === undefined ? '' : ' or `curve` is "corrected"';
  const detail = `must be at most 0, unless \`answers.reward\` is "log_odds"${otherwise}`;
  return given.flatMap(([pointer, value]) =>
    value !== undefined && value !== null && value > 0 ? [{ pointer, detail }] : [],
  );
}
