import { CalibrationRequest } from '../../schemas/calibration.ts';
import { createChecker } from '../checker.ts';
import { invalidRequest } from '../field-errors.ts';

const checkRequest = createChecker(CalibrationRequest);

/**
 * Checks the body of a calibration request.
 * @throws ProblemError invalid-request, with a pointer to each mistake
 */
export function readCalibrationRequest(body: unknown): CalibrationRequest {
  const request = checkRequest(body, '');
  const turned = request.episodes.flatMap(({ log_prob_range: range }, i) =>
    range && range.min > range.max
      ? [{ pointer: `/episodes/${i}/log_prob_range/max`, detail: 'must not be below `min`' }]
      : [],
  );
  if (turned.length > 0) throw invalidRequest(turned.slice(0, 8));
  return request;
}
