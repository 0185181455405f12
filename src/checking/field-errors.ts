import type { TLocalizedValidationError } from 'typebox/error';
import { DIGEST } from '../../schemas/episode.ts';
import type { FieldError } from '../../schemas/problem.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';

/** An error of a schema's checker, as TypeBox reports it. */
export type CheckerError = TLocalizedValidationError;

/**
 * Converts the errors of a schema's checker (it stops at eight) to one entry for each wrong place.
 * @param pointer JSON pointer to the checked value in the request
 */
export function fieldErrors(errors: CheckerError[], pointer: string): FieldError[] {
  return (
    errors
      // src/checking/checker.ts reports unknown members, with a suggestion. Here they would appear twice: there and at their parent.
      // A value that may be null fails twice more: it is not null, and it matches no option.
      .filter((error) => !SILENT.includes(error.keyword) && !(error.keyword === 'type' && error.params.type === 'null'))
      .map((error) => ({ pointer: `${pointer}${error.instancePath}`, detail: requirement(error) }))
  );
}

const SILENT = ['additionalProperties', 'boolean', 'anyOf'];

const TYPES: Record<string, string> = {
  number: 'a number',
  integer: 'a whole number',
  string: 'a string',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** What the schema requires of a wrong value, in words that follow its name: "must be a number". */
export function requirement(error: CheckerError): string {
  const { keyword, message, params } = error;
  switch (keyword) {
    case 'type':
      return `must be ${TYPES[`${params.type}`] ?? params.type}`;
    case 'enum':
      return `must be one of ${params.allowedValues.join(', ')}`;
    case 'required':
      return `must have ${params.requiredProperties.map((name) => `\`${name}\``).join(', ')}`;
    case 'minimum':
      return `must be at least ${params.limit}`;
    case 'maximum':
      return `must be at most ${params.limit}`;
    case 'exclusiveMinimum':
      return `must be above ${params.limit}`;
    case 'minLength':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} characters`;
    case 'maxLength':
      return `must have at most ${params.limit} characters`;
    case 'minItems':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} entries`;
    case 'maxItems':
      return `must have at most ${params.limit} entries`;
    case 'pattern':
      return params.pattern === DIGEST ? 'must be a SHA-256 in lowercase hex (64 characters), or empty' : message;
    default:
      return message;
  }
}

/** Most mistakes that one problem names. */
export const MOST_NAMED = 8;

/** The problem of a request that does not match its schema. Its detail is the first error. */
export function invalidRequest(mistakes: FieldError[]): ProblemError {
  const errors = mistakes.slice(0, MOST_NAMED);
  const [first] = errors;
  const detail = first
    ? `${first.pointer || 'The document'} ${first.detail}`
    : 'The request does not match its schema.';
  const place: ProblemPlace = first ? { pointer: first.pointer, errors } : {};
  return new ProblemError('invalid-request', detail, place);
}
