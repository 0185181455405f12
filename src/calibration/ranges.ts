import type { CalibrationRequest } from '../../schemas/calibration.ts';
import { invalidRequest } from '../checking/field-errors.ts';

/** Most mistakes that one problem names. */
const MOST_NAMED = 8;

/**
 * Checks that no value is above 0, unless the curve is corrected: the schema cannot say so.
 * @throws ProblemError invalid-request, with a pointer to each mistake
 */
export function checkCurve({ curve, episodes }: CalibrationRequest): void {
  if (curve === 'corrected') return;
  const above = episodes.flatMap(({ score, log_prob_range: range }, i) =>
    Object.entries({ score, 'log_prob_range/min': range?.min, 'log_prob_range/max': range?.max })
      .filter(([, value]) => value !== undefined && value > 0)
      .map(([name]) => ({
        pointer: `/episodes/${i}/${name}`,
        detail: 'must be at most 0, unless `curve` is "corrected"',
      })),
  );
  if (above.length > 0) throw invalidRequest(above.slice(0, MOST_NAMED));
}

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
