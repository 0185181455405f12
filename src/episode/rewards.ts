import type { RewardKind } from '../../schemas/answers.ts';
import { DEFAULTS } from '../../schemas/defaults.ts';
import type { ScoredCurve } from '../../schemas/enumerations.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { FieldError } from '../../schemas/problem.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import type { AnswerChoice } from './answers.ts';

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

/**
 * Refuses thresholds and bounds that no reward can reach. Those of a calibration belong to the calibration's own answers.
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError invalid-request
 */
export function checkRewards(
  { success, progress, calibration }: Episode,
  { reward }: Pick<AnswerChoice, 'reward'>,
  pointer: string,
): void {
  const boundsAt = (at: string, bounds: { low: number; high: number } | null | undefined) =>
    [
      [`${at}/low`, bounds?.low],
      [`${at}/high`, bounds?.high],
    ] as const;
  const mistakes = [
    ...impossibleRewards(
      [
        [`${pointer}/success/threshold`, success?.threshold],
        ...boundsAt(`${pointer}/progress/bounds`, progress?.bounds),
      ],
      { reward },
    ),
    ...impossibleRewards(
      [
        [`${pointer}/calibration/threshold`, calibration?.threshold],
        ...boundsAt(`${pointer}/calibration/bounds`, calibration?.bounds),
      ],
      { reward: calibration?.answers?.reward ?? DEFAULTS.reward, curve: calibration?.curve ?? DEFAULTS.curve },
    ),
  ];
  if (mistakes.length > 0) throw invalidRequest(mistakes);
}
