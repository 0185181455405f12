import { Compile } from 'typebox/compile';
import { CalibrationRequest } from '../../schemas/calibration.ts';
import { fieldErrors, invalidRequest } from '../field-errors.ts';

const schema = Compile(CalibrationRequest);

/**
 * Checks the body of a request for a calibration.
 * @throws ProblemError invalid-request, with a pointer to each mistake
 */
export function readCalibrationRequest(body: unknown): CalibrationRequest {
  if (!schema.Check(body)) throw invalidRequest(fieldErrors(schema.Errors(body), ''));
  const turned = body.episodes.flatMap(({ log_prob_range: range }, i) =>
    range && range.min > range.max
      ? [{ pointer: `/episodes/${i}/log_prob_range/max`, detail: 'must not be below `min`' }]
      : [],
  );
  if (turned.length > 0) throw invalidRequest(turned.slice(0, 8));
  return body;
}
