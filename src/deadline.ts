import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

const RETRY_AFTER_S = 5;

/**
 * Answers a request that takes too long, whatever it is doing, and tells the work behind it when to stop.
 * (Fastify's own handlerTimeout ends with the request's body, and its request.signal aborts there: an episode is scored
 * after that.)
 * @returns a signal that aborts when nobody waits any more: answered, out of time, or the client is gone
 */
export function startDeadline(request: FastifyRequest, reply: FastifyReply, seconds: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => reply.send(outOfTime(request)), seconds * 1000);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    controller.abort();
  });
  return controller.signal;
}

function outOfTime(request: FastifyRequest): ProblemError {
  if (!request.raw.complete) {
    const detail = 'The upload was not complete in time. Send fewer bytes or use a faster link.';
    return new ProblemError('upload-timeout', detail);
  }
  const detail = 'The episode could not be scored in time. Try again, or send a shorter one.';
  return new ProblemError('deadline-exceeded', detail, { retry_after_s: RETRY_AFTER_S });
}
