import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { ProblemError, problemDocument } from '../problems/problems.ts';

/** Errors of the framework and its plugins, by code. The service reads bodies itself, so only these can occur. */
const KNOWN: Record<string, [ProblemCode, string]> = {
  FST_ERR_BAD_URL: ['not-found', 'The path is not a valid URL path.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send multipart/form-data or application/json.'],
  FST_PARTS_LIMIT: ['too-many-frames', 'The form has more parts than the limit for frames. Send fewer frames.'],
  FST_PROTO_VIOLATION: [
    'unexpected-part',
    'The parts are `episode` (JSON, with all options) and one of `frames` (image files), `npy` (one file) and `video` (one file).',
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
  const problem = asProblem(error, request);
  const document = problemDocument(problem, request.id);
  const cause: (Error & { kind?: string; code?: string }) | undefined =
    problem.cause instanceof Error ? problem.cause : undefined;
  const line = { problem: problem.code, status: document.status, fault: cause?.kind ?? cause?.code };
  if (problem.code === 'internal-error') request.log.error({ ...line, err: error }, 'request failed');
  else request.log.info(line, 'request refused');
  if (cause) request.log.debug({ cause: cause.message }, 'cause of the problem');
  return document;
}

function asProblem(error: unknown, { routeOptions }: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error;
  const { code = '', statusCode = 0 }: Partial<FastifyError> = error instanceof Error ? error : {};
  const known = KNOWN[code] ?? (routeOptions.schema?.hide ? OF_FILES[statusCode] : undefined);
  if (known) return new ProblemError(known[0], known[1]);
  const detail = 'The service has failed. Send the `instance` to the operator: the log has the details.';
  return new ProblemError('internal-error', detail, {}, error);
}
