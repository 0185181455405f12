import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problems.ts';
import { RETRY_AFTER_S } from '../problems/retry-after.ts';

/** The time limit of one request. */
export interface Deadline {
  /**
   * Aborts when the response is no longer needed: it was sent, the client has disconnected, or the time limit has passed. Only
   * in the last case is the reason a ProblemError.
   */
  signal: AbortSignal;
  /**
   * Call this when the request is admitted: from now on, a slow upload is the client's fault.
   * @param idleSeconds an upload from which no byte arrives for this time, at most twice this time, is ended
   */
  admitted(idleSeconds: number): void;
  /** Call this when a response in lines has begun: its status can no longer change. */
  markStreaming(): void;
}

/** A client has at least this long after the time limit to read its response, or as long as the limit if that is shorter, s. */
const MOST_UNREAD_S = 30;

/**
 * Sends a problem when a request takes too long, in any phase, and aborts its work. Fastify's handlerTimeout and
 * request.signal end when the request's body has been read, but the episode is scored after that.
 * @param seconds time limit, including waiting and upload
 */
export function startDeadline(request: FastifyRequest, reply: FastifyReply, seconds: number): Deadline {
  const controller = new AbortController();
  let waiting = true;
  let started = false;
  let silence: NodeJS.Timeout | undefined;
  const cutOff = (problem: ProblemError) => {
    if (reply.sent) return;
    if (!started) reply.send(problem);
    controller.abort(problem);
  };
  let unread: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    // The response is complete, but the client has not read it. It must not hold its place and its memory forever.
    if (reply.sent) unread = setTimeout(() => request.raw.socket.destroy(), Math.min(seconds, MOST_UNREAD_S) * 1000);
    else cutOff(waiting ? neverAdmitted() : outOfTime(request));
  }, seconds * 1000);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    clearTimeout(unread);
    clearInterval(silence);
    controller.abort();
  });
  return {
    signal: controller.signal,
    admitted(idleSeconds) {
      waiting = false;
      // The connection was closed while the request waited: nothing would stop the timer.
      if (controller.signal.aborted) return;
      const watch = silenceWatch(request, () => cutOff(silent(idleSeconds)));
      silence = setInterval(watch, idleSeconds * 1000).unref();
    },
    markStreaming() {
      started = true;
    },
  };
}

/** @returns a function to call at intervals; it calls back if no byte has arrived since its last call and none waits to be read */
function silenceWatch({ raw }: FastifyRequest, callBack: () => void): () => void {
  let before = raw.socket.bytesRead;
  return () => {
    const { bytesRead } = raw.socket;
    // If bytes wait to be read, the service is slow, not the client.
    if (!raw.complete && raw.readableLength === 0 && bytesRead === before) callBack();
    before = bytesRead;
  };
}

function silent(seconds: number): ProblemError {
  const detail = `No byte of the upload arrived for ${seconds} s. Send the request again. With \`frame_digests\`, you need not repeat frames that have arrived.`;
  return new ProblemError('upload-timeout', detail);
}

function neverAdmitted(): ProblemError {
  const detail = `The service was busy with other requests for the full time limit of this one. Try again in ${RETRY_AFTER_S.machine} s.`;
  return new ProblemError('server-busy', detail, { retry_after_s: RETRY_AFTER_S.machine });
}

function outOfTime(request: FastifyRequest): ProblemError {
  if (!request.raw.complete) {
    const detail = 'The upload was not complete in time. Send fewer bytes or use a faster link.';
    return new ProblemError('upload-timeout', detail);
  }
  const detail = `The episode could not be scored in time. Try again in ${RETRY_AFTER_S.machine} s, or send a shorter episode.`;
  return new ProblemError('deadline-exceeded', detail, { retry_after_s: RETRY_AFTER_S.machine });
}
