import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { ProblemError, problemDocument } from '../problems/problems.ts';

/** Errors of the framework and its plugins, by code. */
const KNOWN: Record<string, [ProblemCode, string]> = {
  FST_ERR_BAD_URL: ['not-found', 'The path is not a valid URL path.'],
  FST_STATIC_FORBIDDEN_PATH: ['not-found', 'This file does not exist.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['upload-too-large', 'The request body is too large. Send fewer bytes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send multipart/form-data or application/json.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed-json', 'The body is empty.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-json', 'The body is not valid JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed-json', 'The length of the body differs from `Content-Length`.'],
  FST_PARTS_LIMIT: ['too-many-frames', 'The form has more parts than the limit for frames. Send fewer frames.'],
  FST_FILES_LIMIT: ['too-many-frames', 'The form has more files than the limit for frames. Send fewer frames.'],
  FST_REQ_FILE_TOO_LARGE: ['upload-too-large', 'A part of the form is too large. Send fewer bytes.'],
  FST_PROTO_VIOLATION: [
    'unexpected-part',
    'The parts are `episode` (JSON) and one of `frames` (image files), `npy` (one file) and `video` (one file).',
  ],
};

/** Errors of the plugin that sends files, by their status. */
const OF_FILES: Record<number, [ProblemCode, string]> = {
  403: ['not-found', 'This file does not exist.'],
  404: ['not-found', 'This file does not exist.'],
  412: [
    'precondition-failed',
    'The file does not match `If-Match` or `If-Unmodified-Since`. Send the request without them.',
  ],
  416: ['range-not-satisfiable', 'The file is shorter than the `Range`. Request the complete file.'],
};

/** Sends an error as a problem document. An unknown error is a 500 without its message. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  if (reply.raw.destroyed) {
    request.log.info('client disconnected');
    reply.hijack();
    return;
  }
  // Many clients do not read a response while they send: read the rest of the body and discard it.
  request.raw.unpipe();
  request.raw.resume();
  const document = loggedProblem(error, request);
  // Set here too: if the path is not a valid URL, no hook has run.
  reply.header('x-request-id', request.id);
  if (document.retry_after_s !== undefined) reply.header('retry-after', document.retry_after_s);
  if (document.code === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  // After a timeout the rest of the upload may never arrive.
  if (document.code === 'upload-timeout') reply.header('connection', 'close');
  reply.code(document.status).type('application/problem+json').send(document);
}

/** Returns the problem document of an error that was thrown during this request, and writes a line about it to the log. */
export function loggedProblem(error: unknown, request: FastifyRequest): Problem {
  const problem = asProblem(error as FastifyError, request);
  const document = problemDocument(problem, request.id);
  const cause = problem.cause as (Error & { kind?: string; code?: string }) | undefined;
  const line = { problem: problem.code, status: document.status, fault: cause?.kind ?? cause?.code };
  if (problem.code === 'internal-error') request.log.error({ ...line, err: error }, 'request failed');
  else request.log.info(line, 'request refused');
  if (cause) request.log.debug({ cause: cause.message }, 'cause of the problem');
  return document;
}

function asProblem(error: FastifyError, { routeOptions }: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error;
  const known = KNOWN[error.code] ?? (routeOptions.schema?.hide ? OF_FILES[error.statusCode ?? 0] : undefined);
  if (known) return new ProblemError(known[0], known[1]);
  // Errors of JSON.parse have no code, only the status that Fastify sets.
  if (error.statusCode === 400 && error instanceof SyntaxError)
    return new ProblemError('malformed-json', 'The body is not valid JSON.');
  const detail = 'The service has failed. Send the `instance` to the operator: the log has the details.';
  return new ProblemError('internal-error', detail, {}, error);
}
