import type { FieldError } from '../schemas/problem.ts';
import { ProblemError, type ProblemPlace } from './problems.ts';

/**
 * What a schema's checker found (it stops at eight), one entry per wrong place.
 * @param pointer where the checked value stands in the request
 */
export function fieldErrors(
  errors: { keyword: string; instancePath: string; message: string; params: object }[],
  pointer: string,
): FieldError[] {
  return (
    errors
      // Unknown members, at their own place and at their parent's, are told by the checker, with a suggestion.
      .filter(({ keyword }) => keyword !== 'additionalProperties' && keyword !== 'boolean')
      .map(({ instancePath, message, params }) => {
        const { allowedValues } = params as { allowedValues?: string[] };
        const detail = allowedValues ? `must be one of ${allowedValues.join(', ')}` : message;
        return { pointer: `${pointer}${instancePath}`, detail };
      })
  );
}

export function invalidRequest(errors: FieldError[]): ProblemError {
  const [first] = errors;
  const detail = first ? `${first.pointer} ${first.detail}` : 'The request does not fit its schema.';
  const place: ProblemPlace = first ? { pointer: first.pointer, errors } : {};
  return new ProblemError('invalid-request', detail, place);
}
