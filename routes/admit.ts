import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Ticket } from '../src/admission.ts';
import type { Config } from '../src/config.ts';
import { type Deadline, startDeadline } from '../src/deadline.ts';
import { collectFrames } from '../src/frames/frames.ts';
import { checkNamedFrames } from '../src/plan/context.ts';
import type { Service } from '../src/service.ts';
import type { CountBytes } from '../src/upload/form.ts';
import { tooLarge } from '../src/upload/limits.ts';
import { createUploadReader, type UploadReader } from '../src/upload/upload.ts';

/** A JSON upload is held as text, as parsed strings and as bytes, one after another. */
const JSON_COPIES = 3;

/** The borders between parts make a form longer than what is in them, which is counted as it comes. */
const FORM_GROWTH = 1.4;

/** A body of unknown length gets memory in steps of so many bytes, as it comes. */
const STEP_BYTES = 4 * 1024 * 1024;

/** What a request has got before a byte of its body is read. */
export interface Admitted {
  ticket: Ticket;
  tenant: string;
  deadline: Deadline;
  /** to be told of the bytes of a form */
  count: CountBytes;
}

/** What a route takes. */
export interface GateOptions {
  /** that one request may take */
  seconds: number;
  /** whether requests are refused while the engine is not ready */
  needsEngine: boolean;
  /** most bytes of a JSON body */
  jsonBytes: number;
}

/**
 * Lets uploads in: known callers, within a place and memory of their own.
 * @returns a hook for the route, and what it has found out about a request
 */
export function uploadGate(
  { config, engine, admission, authenticate }: Service,
  { seconds, needsEngine, jsonBytes }: GateOptions,
) {
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  return {
    async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const tenant = authenticate(request);
      if (needsEngine) engine.describe();
      const deadline = startDeadline(request, reply, seconds);
      const memory = neededMemory(request, config, jsonBytes);
      const ticket = await admission.enter(memory, deadline.signal, tenant);
      deadline.admitted(config.UPLOAD_IDLE_S);
      reply.raw.once('close', ticket.release);
      if (reply.raw.destroyed) ticket.release();
      const count = counter(config.MAX_UPLOAD_BYTES, memory, ticket);
      admitted.set(request, { ticket, tenant, deadline, count });
    },
    admitted: (request: FastifyRequest) => admitted.get(request) as Admitted,
  };
}

/** A reader for one episode of a caller. @param caller.signal aborts when nobody needs the episode any more */
export function uploadReader(
  { config, engine, renderer, recentFrames, video }: Service,
  { tenant, signal }: { tenant: string; signal: AbortSignal },
): UploadReader {
  const frames = collectFrames(config, renderer, recentFrames.of(tenant), tenant);
  return createUploadReader(config, frames, video, {
    tenant,
    signal,
    refuse: (asked) => checkNamedFrames(asked, engine.describe()),
  });
}

/** Counts the bytes of a form, and takes memory for those that were not announced. */
function counter(limit: number, announced: number, ticket: Ticket): CountBytes {
  let come = 0;
  let room = announced;
  return (bytes) => {
    come += bytes;
    if (come > limit) throw tooLarge(limit, {});
    for (; come > room; room += STEP_BYTES) ticket.grow(STEP_BYTES);
  };
}

/**
 * Memory that a request may need, from its header alone; for a form that does not tell its length, a beginning.
 * @throws ProblemError upload-too-large, before a byte is read
 */
function neededMemory({ headers }: FastifyRequest, { MAX_UPLOAD_BYTES }: Config, jsonBytes: number): number {
  const isJson = headers['content-type']?.toLowerCase().startsWith('application/json') ?? false;
  const limit = isJson ? jsonBytes : MAX_UPLOAD_BYTES * FORM_GROWTH;
  const length = headers['content-length'];
  // JSON is read by its parser, in one go.
  const unknown = isJson ? limit : Math.min(STEP_BYTES, limit);
  const declared = length === undefined ? unknown : Number(length);
  if (declared > limit) throw tooLarge(isJson ? jsonBytes : MAX_UPLOAD_BYTES, {});
  return isJson ? declared * JSON_COPIES : declared;
}
