import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

/** The time that one request may take. */
export interface Deadline {
  /** Aborts when nobody waits any more: answered, out of time, or the client is gone. Being out of time is a ProblemError. */
  signal: AbortSignal;
  /**
   * Says that the request has its place: from here on a slow upload is the caller's.
   * @param idleSeconds an upload that is silent for so long, at most twice as long, is given up: its link is lost
   */
  admitted(idleSeconds: number): void;
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
  let silence: NodeJS.Timeout | undefined;
  const giveUp = (problem: ProblemError) => {
    // Answered already, to a client that reads slowly.
    if (reply.sent) return;
    if (!started) reply.send(problem);
    controller.abort(problem);
  };
  const timer = setTimeout(() => giveUp(waiting ? neverAdmitted() : outOfTime(request)), seconds * 1000);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    clearInterval(silence);
    controller.abort();
  });
  return {
    signal: controller.signal,
    admitted(idleSeconds) {
      waiting = false;
      // Closed while it waited for its place: nothing would end the watch.
      if (controller.signal.aborted) return;
      const watch = silenceWatch(request, () => giveUp(silent(idleSeconds)));
      silence = setInterval(watch, idleSeconds * 1000).unref();
    },
    underWay() {
      started = true;
    },
  };
}

/** @returns to be called now and then: calls back where nothing has come since the last time, though it would have been read */
function silenceWatch({ raw }: FastifyRequest, callBack: () => void): () => void {
  let before = raw.socket.bytesRead;
  return () => {
    const { bytesRead } = raw.socket;
    // Bytes that wait to be read are not the caller's silence: the service takes them when it can.
    if (!raw.complete && raw.readableLength === 0 && bytesRead === before) callBack();
    before = bytesRead;
  };
}

function silent(seconds: number): ProblemError {
  const detail = `No byte of the upload has come for ${seconds} s. Send it again; with \`frame_digests\` what has arrived need not be sent twice.`;
  return new ProblemError('upload-timeout', detail);
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
