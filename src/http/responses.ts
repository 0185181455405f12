import { STATUS_CODES } from 'node:http';
import { Problem } from '../../schemas/problem.ts';
import { exampleProblem } from '../../schemas/problem-examples.ts';
import { PROBLEMS, type ProblemCode } from '../../schemas/problem-kinds.ts';

/** Problems of every operation. For most of them the path does not matter: see `guardRequests` and client-error.ts. */
const ANY: ProblemCode[] = [
  'malformed-http',
  'cross-site-request',
  'expectation-failed',
  'forbidden-host',
  'headers-too-large',
  'internal-error',
];

/** Further problems of every operation that asks for a key. */
export const KEYED: ProblemCode[] = ['unauthorized', 'too-many-wrong-keys'];

/** Further problems of every operation with a body. */
export const UPLOAD: ProblemCode[] = [
  ...KEYED,
  'malformed-json',
  'upload-timeout',
  'upload-too-large',
  'unsupported-media-type',
  'invalid-request',
  'server-busy',
  'deadline-exceeded',
];

/** Further problems of operations that take a form. */
export const FORM_PROBLEMS: ProblemCode[] = ['malformed-multipart', 'unexpected-part', 'too-many-frames'];

/** Further problems of one episode. In a batch they are lines. */
export const EPISODE_PROBLEMS: ProblemCode[] = [
  'missing-episode',
  'missing-instruction',
  'special-token-text',
  'instruction-too-long',
  'missing-clock',
  'ambiguous-clock',
  'invalid-timestamps',
  'invalid-prefixes',
  'missing-bounds',
  'invalid-answers',
  'calibration-mismatch',
  'no-frames',
  'frames-missing',
  'unlisted-frame',
  'ambiguous-frames',
  'not-an-image',
  'image-damaged',
  'image-unsupported',
  'image-too-large',
  'frame-sizes-differ',
  'invalid-npy',
  'invalid-range',
  'not-a-video',
  'video-unsupported',
  'video-damaged',
  'video-too-large',
  'video-unavailable',
  'video-timeout',
  'storage-unavailable',
  'method-unsupported',
  'frame-size-unsupported',
  'pipeline-unsupported',
  'context-exceeded',
  'engine-unavailable',
  'engine-busy',
  'engine-failed',
  'engine-answer-unusable',
];

/** Problems whose responses have the header `Retry-After`. */
const RETRIED: ProblemCode[] = [
  'too-many-wrong-keys',
  'server-busy',
  'storage-unavailable',
  'engine-unavailable',
  'engine-busy',
  'deadline-exceeded',
];

/** Described in openapi.ts. */
const RETRY_AFTER = { 'retry-after': { type: 'integer' } };

/**
 * Response schemas for problems, by status: each names its codes and has an example of every one.
 * @param codes of this operation, besides those that every operation has
 */
export function problems(...codes: ProblemCode[]): Record<number, object> {
  const byStatus = Map.groupBy([...ANY, ...codes], (code) => PROBLEMS[code].status);
  const entries = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(entries.map(([status, kinds]) => [status, response(status, kinds)]));
}

function response(status: number, codes: ProblemCode[]) {
  const names = codes.map((code) => `\`${code}\``).join(', ');
  const examples = Object.fromEntries(
    codes.map((code) => [code, { summary: PROBLEMS[code].title, value: exampleProblem(code) }]),
  );
  return {
    description: `${STATUS_CODES[status]}: ${names}.`,
    ...(codes.some((code) => RETRIED.includes(code)) && { headers: RETRY_AFTER }),
    content: { 'application/problem+json': { schema: Problem, examples } },
  };
}
