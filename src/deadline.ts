import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

/** The time that one request may take. */
export interface Deadline {
  /**
   * Aborts when nobody waits any more: answered, out of time, or the client is gone. Once an answer is under way, being out
   * of time is its reason, a ProblemError.
   */
  signal: AbortSignal;
  /** Says that the request has its place: from here on a slow upload is the caller's. */
  admitted(): void;
  /** Says that an answer in pieces is under way: it is too late for another status. */
  underWay(): void;
}

const RETRY_AFTER_S = 5;

/**
 * Answers a request that takes too long, whatever it is doing, and tells the work behind it when to stop.
 * (Fastify's own handlerTimeout ends with the request's body, and its request.signal aborts there: an episode is scored
 * after that.)
 */
export function startDeadline(request: FastifyRequest, reply: FastifyReply, seconds: number): Deadline {
  const controller = new AbortController();
  let waiting = true;
  let started = false;
  const timer = setTimeout(() => {
    // Answered already, to a client that reads slowly.
    if (reply.sent) return;
    const problem = waiting ? neverAdmitted() : outOfTime(request);
    if (started) controller.abort(problem);
    else reply.send(problem);
  }, seconds * 1000);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    controller.abort();
  });
  return {
    signal: controller.signal,
    admitted() {
      waiting = false;
    },
    underWay() {
      started = true;
    },
  };
}

function neverAdmitted(): ProblemError {
  const detail = 'The service was busy with others for all the time this request may take. Try again in a moment.';
  return new ProblemError('server-busy', detail, { retry_after_s: RETRY_AFTER_S });
}

function outOfTime(request: FastifyRequest): ProblemError {
  if (!request.raw.complete) {
    const detail = 'The upload was not complete in time. Send fewer bytes or use a faster link.';
    return new ProblemError('upload-timeout', detail);
  }
  const detail = 'The episode could not be scored in time. Try again, or send a shorter one.';
  return new ProblemError('deadline-exceeded', detail, { retry_after_s: RETRY_AFTER_S });
}
