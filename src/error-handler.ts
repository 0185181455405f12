import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../schemas/problem.ts';
import { type ProblemCode, ProblemError, problemDocument } from './problems.ts';

/** Errors of the framework and its plugins, by code. */
const KNOWN: Record<string, [ProblemCode, string]> = {
  FST_ERR_BAD_URL: ['not-found', 'The path is no valid URL.'],
  FST_STATIC_FORBIDDEN_PATH: ['not-found', 'There is no such file.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['upload-too-large', 'The request body is larger than the service takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send multipart/form-data or application/json.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed-json', 'The body is empty.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-json', 'The body is not valid JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed-json', 'The body is not as long as Content-Length says.'],
  FST_PARTS_LIMIT: ['too-many-frames', 'There are more parts than frames may be sent.'],
  FST_FILES_LIMIT: ['too-many-frames', 'There are more files than frames may be sent.'],
  FST_REQ_FILE_TOO_LARGE: ['upload-too-large', 'A part is larger than the service takes.'],
  FST_PROTO_VIOLATION: [
    'unexpected-part',
    'Parts are `episode` (JSON) and `frames` (image files) or `npy` or `video` (one file).',
  ],
};

/** Errors of the plugin that sends files, by the status that it gives them. */
const OF_FILES: Record<number, [ProblemCode, string]> = {
  403: ['not-found', 'There is no such file.'],
  404: ['not-found', 'There is no such file.'],
  412: ['precondition-failed', 'The file does not fit If-Match or If-Unmodified-Since. Ask without them.'],
  416: ['range-not-satisfiable', 'The file is shorter than the range. Ask for all of it.'],
};

/** Turns whatever was thrown into a problem document. What is not known is a 500 without inner words. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  if (reply.raw.destroyed) {
    request.log.info('client gone');
    reply.hijack();
    return;
  }
  // A client that is still sending reads no answer: let it finish, into nothing.
  request.raw.unpipe();
  request.raw.resume();
  const document = loggedProblem(error, request);
  // Also where no hook has run: a path that is no URL.
  reply.header('x-request-id', request.id);
  if (document.retry_after_s !== undefined) reply.header('retry-after', document.retry_after_s);
  if (document.code === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  // After a timeout the rest of an upload may never come.
  if (document.code === 'upload-timeout') reply.header('connection', 'close');
  reply.code(document.status).type('application/problem+json').send(document);
}

/** The problem document of whatever was thrown while this request was worked on, and a line in the log about it. */
export function loggedProblem(error: unknown, request: FastifyRequest): Problem {
  const problem = asProblem(error as FastifyError, request);
  const document = problemDocument(problem, request.id);
  const cause = problem.cause as (Error & { kind?: string; code?: string }) | undefined;
  const line = { problem: problem.code, status: document.status, fault: cause?.kind ?? cause?.code };
  if (problem.code === 'internal-error') request.log.error({ ...line, err: error }, 'request failed');
  else request.log.info(line, 'request refused');
  if (cause) request.log.debug({ cause: cause.message }, 'cause');
  return document;
}

function asProblem(error: FastifyError, { routeOptions }: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error;
  const known = KNOWN[error.code] ?? (routeOptions.schema?.hide ? OF_FILES[error.statusCode ?? 0] : undefined);
  if (known) return new ProblemError(known[0], known[1]);
  // JSON.parse errors come bare, with the status that Fastify gives them.
  if (error.statusCode === 400 && error instanceof SyntaxError)
    return new ProblemError('malformed-json', 'The body is not valid JSON.');
  return new ProblemError('internal-error', 'The log has more under this instance.', {}, error);
}
