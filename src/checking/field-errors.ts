import { DIGEST } from '../../schemas/episode.ts';
import type { FieldError } from '../../schemas/problem.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';

/** An error of a schema's checker, as TypeBox reports it. */
export interface CheckerError {
  keyword: string;
  instancePath: string;
  message: string;
  params: object;
}

/**
 * Converts the errors of a schema's checker (it stops at eight) to one entry for each wrong place.
 * @param pointer JSON pointer to the checked value in the request
 */
export function fieldErrors(errors: CheckerError[], pointer: string): FieldError[] {
  return (
    errors
      // src/checking/checker.ts reports unknown members, with a suggestion. Here they would appear twice: there and at their parent.
      // A value that may be null fails twice more: it is not null, and it matches no option.
      .filter(({ keyword, params }) => !SILENT.includes(keyword) && (params as Params).type !== 'null')
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

interface Params {
  type?: string;
  limit?: number;
  allowedValues?: string[];
  requiredProperties?: string[];
  pattern?: string;
}

/** What the schema requires of a wrong value, in words that follow its name: "must be a number". */
export function requirement({ keyword, message, params }: CheckerError): string {
  const { type = '', limit, allowedValues = [], requiredProperties = [], pattern } = params as Params;
  switch (keyword) {
    case 'type':
      return `must be ${TYPES[type] ?? type}`;
    case 'enum':
      return `must be one of ${allowedValues.join(', ')}`;
    case 'required':
      return `must have ${requiredProperties.map((name) => `\`${name}\``).join(', ')}`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'exclusiveMinimum':
      return `must be above ${limit}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return limit === 1 ? 'must not be empty' : `must have at least ${limit} entries`;
    case 'maxItems':
      return `must have at most ${limit} entries`;
    case 'pattern':
      return pattern === DIGEST ? 'must be a SHA-256 in lowercase hex (64 characters), or empty' : message;
    default:
      return message;
  }
}

/** The problem of a request that does not match its schema. Its detail is the first error. */
export function invalidRequest(errors: FieldError[]): ProblemError {
  const [first] = errors;
  const detail = first
    ? `${first.pointer || 'The document'} ${first.detail}`
    : 'The request does not match its schema.';
  const place: ProblemPlace = first ? { pointer: first.pointer, errors } : {};
  return new ProblemError('invalid-request', detail, place);
}
