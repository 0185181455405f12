import type { CalibrationRequest } from '../../schemas/calibration.ts';
import { DEFAULTS } from '../../schemas/defaults.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { impossibleRewards } from '../episode/rewards.ts';

/**
 * Checks what the schema of a calibration request cannot say: only log odds and the corrected curve are above 0, and no range is reversed.
 * @throws ProblemError invalid-request, with a pointer to each mistake
 */
export function checkScores({ episodes, answers, curve = DEFAULTS.curve }: CalibrationRequest): void {
  const given = episodes.flatMap(({ score, log_prob_range: range }, i) => [
    [`/episodes/${i}/score`, score] as const,
    [`/episodes/${i}/log_prob_range/min`, range?.min] as const,
    [`/episodes/${i}/log_prob_range/max`, range?.max] as const,
  ]);
  const reversed = episodes.flatMap(({ log_prob_range: range }, i) =>
    range && range.min > range.max
      ? [{ pointer: `/episodes/${i}/log_prob_range/max`, detail: 'must not be below `min`' }]
      : [],
  );
  const mistakes = [...impossibleRewards(given, { reward: answers?.reward ?? DEFAULTS.reward, curve }), ...reversed];
  if (mistakes.length > 0) throw invalidRequest(mistakes);
}
