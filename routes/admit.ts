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

/** A JSON upload is in memory three times: as text, as parsed strings and as bytes. */
const JSON_COPIES = 3;

/** A form is longer than the files in it, because of the boundaries between parts. The files are counted as they arrive. */
const FORM_GROWTH = 1.4;

/** A body of unknown length reserves memory in steps of this many bytes, as it arrives. */
const STEP_BYTES = 4 * 1024 * 1024;

/** What a request has before a byte of its body is read. */
export interface Admitted {
  ticket: Ticket;
  tenant: string;
  deadline: Deadline;
  /** call it with the number of bytes of each piece of a form */
  count: CountBytes;
}

/** Limits of a route. */
export interface GateOptions {
  /** longest time for one request */
  seconds: number;
  /** whether requests are refused while the engine is not ready */
  needsEngine: boolean;
  /** most bytes of a JSON body */
  jsonBytes: number;
}

/**
 * Admits uploads: checks the key, then waits for capacity and memory.
 * @returns a hook for the route, and a function that returns what the hook found for a request
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

/** A reader for one episode of a tenant. @param caller.signal aborts when the episode is no longer needed */
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

/** Counts the bytes of a form, and reserves memory for those beyond its Content-Length. */
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
 * Memory that a request may need, from its headers. A form without a length starts with one step.
 * @throws ProblemError upload-too-large, before a byte is read
 */
function neededMemory({ headers }: FastifyRequest, { MAX_UPLOAD_BYTES }: Config, jsonBytes: number): number {
  const isJson = headers['content-type']?.toLowerCase().startsWith('application/json') ?? false;
  const limit = isJson ? jsonBytes : MAX_UPLOAD_BYTES * FORM_GROWTH;
  const length = headers['content-length'];
  // The parser reads a JSON body in one piece, so its memory is reserved at once.
  const unknown = isJson ? limit : Math.min(STEP_BYTES, limit);
  const declared = length === undefined ? unknown : Number(length);
  if (declared > limit) throw tooLarge(isJson ? jsonBytes : MAX_UPLOAD_BYTES, {});
  return isJson ? declared * JSON_COPIES : declared;
}
