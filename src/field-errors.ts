import type { FieldError } from '../schemas/problem.ts';
import { ProblemError, type ProblemPlace } from './problems.ts';

/**
 * What a schema's checker found, one entry per wrong place; its echoes of one fault are left out.
 * @param pointer where the checked value stands in the request
 */
export function fieldErrors(
  errors: { keyword: string; instancePath: string; message: string; params: object }[],
  pointer: string,
): FieldError[] {
  return errors
    .filter(({ keyword }) => keyword !== 'boolean')
    .flatMap(({ instancePath, message, params }) => {
      const unknown = (params as { additionalProperties?: string[] }).additionalProperties;
      if (unknown)
        return unknown.map((name) => ({
          pointer: `${pointer}${instancePath}/${escapePointer(name)}`,
          detail: 'is not known',
        }));
      const allowed = (params as { allowedValues?: string[] }).allowedValues;
      return [
        { pointer: `${pointer}${instancePath}`, detail: allowed ? `must be one of ${allowed.join(', ')}` : message },
      ];
    });
}

export function invalidRequest(errors: FieldError[]): ProblemError {
  const [first] = errors;
  const detail = first ? `${first.pointer} ${first.detail}` : 'The request does not fit its schema.';
  const place: ProblemPlace = first ? { pointer: first.pointer, errors } : {};
  return new ProblemError('invalid-request', detail, place);
}

function escapePointer(name: string): string {
  return name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
}
