import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Ticket } from '../src/admission.ts';
import type { Config } from '../src/config.ts';
import { type Deadline, startDeadline } from '../src/deadline.ts';
import { collectFrames } from '../src/frames/frames.ts';
import type { Service } from '../src/service.ts';
import { tooLarge } from '../src/upload/limits.ts';
import { createUploadReader, type UploadReader } from '../src/upload/upload.ts';

/** A JSON upload is held as text, as parsed strings and as bytes, one after another. */
const JSON_COPIES = 3;

/** The episode and the borders between parts make a form longer than its files, which are counted as they come. */
const FORM_GROWTH = 1.4;

/** What a request has got before a byte of its body is read. */
export interface Admitted {
  ticket: Ticket;
  tenant: string;
  deadline: Deadline;
}

/**
 * Lets uploads in: known callers, while the engine is ready, within a place and memory of their own.
 * @param seconds that one request may take
 * @returns a hook for the route, and what it has found out about a request
 */
export function uploadGate({ config, engine, admission, authenticate }: Service, seconds: number) {
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  return {
    async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const tenant = authenticate(request);
      engine.describe();
      const deadline = startDeadline(request, reply, seconds);
      const ticket = await admission.enter(neededMemory(request, config), deadline.signal, tenant);
      deadline.admitted(config.UPLOAD_IDLE_S);
      reply.raw.once('close', ticket.release);
      if (reply.raw.destroyed) ticket.release();
      admitted.set(request, { ticket, tenant, deadline });
    },
    admitted: (request: FastifyRequest) => admitted.get(request) as Admitted,
  };
}

/** A reader for one episode of a caller. @param caller.signal aborts when nobody needs the episode any more */
export function uploadReader(
  { config, renderer, recentFrames, video }: Service,
  { tenant, signal }: { tenant: string; signal: AbortSignal },
): UploadReader {
  return createUploadReader(config, collectFrames(config, renderer, recentFrames.of(tenant)), video, signal);
}

/**
 * Memory that a request may need, from its header alone.
 * @throws ProblemError upload-too-large, before a byte is read
 */
function neededMemory({ headers }: FastifyRequest, { MAX_UPLOAD_BYTES, MAX_JSON_BYTES }: Config): number {
  const isJson = headers['content-type']?.toLowerCase().startsWith('application/json') ?? false;
  const limit = isJson ? MAX_JSON_BYTES : MAX_UPLOAD_BYTES * FORM_GROWTH;
  const declared = headers['content-length'] === undefined ? limit : Number(headers['content-length']);
  if (declared > limit) throw tooLarge(isJson ? MAX_JSON_BYTES : MAX_UPLOAD_BYTES, {});
  return isJson ? declared * JSON_COPIES : declared;
}
