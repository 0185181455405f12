import type { CalibrationRequest } from '../../schemas/calibration.ts';
import { invalidRequest } from '../checking/field-errors.ts';

/** Most mistakes that one problem names. */
const MOST_NAMED = 8;

/**
 * Checks what the schema of a calibration request cannot say: no range is reversed round.
 * @throws ProblemError invalid-request, with a pointer to each mistake
 */
export function checkRanges({ episodes }: CalibrationRequest): void {
  const reversed = episodes.flatMap(({ log_prob_range: range }, i) =>
    range && range.min > range.max
      ? [{ pointer: `/episodes/${i}/log_prob_range/max`, detail: 'must not be below `min`' }]
      : [],
  );
  if (reversed.length > 0) throw invalidRequest(reversed.slice(0, MOST_NAMED));
}
