import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import type { Reservation } from '../limits/fair-queue.ts';
import type { CountBytes } from '../upload/form.ts';
import { tooLarge } from '../upload/limits.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { throwBusy } from './server-busy.ts';
import type { Service } from './service.ts';

/** A JSON upload is in memory three times: as text, as parsed strings and as bytes. */
const JSON_COPIES = 3;

/** A form is longer than the files in it, because of the boundaries between parts. The files are counted as they arrive. */
const FORM_GROWTH = 1.4;

/** A body of unknown length reserves memory in steps of this many bytes, as it arrives. */
const STEP_BYTES = 4 * 1024 * 1024;

/** The limits of a route with a body. */
interface UploadRoute {
  /** longest time for one request */
  seconds: number;
  /** whether requests are refused while the engine is not ready */
  needsEngine: boolean;
  /** most bytes of a JSON body */
  jsonBytes: number;
}

/** What a request has before a byte of its body is read. */
export interface Admitted {
  reservation: Reservation;
  deadline: Deadline;
  /** call it with the number of bytes of each piece of a form */
  count: CountBytes;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Limits of a route with a body, in a scope that admits uploads. */
    upload?: UploadRoute;
  }
  interface FastifyRequest {
    /** set if the route has `config.upload` */
    admitted: Admitted | null;
  }
}

/**
 * Admits the uploads of a scope before a byte of them is read: starts the deadline, then waits for capacity and memory. Every
 * route with a body says its limits in `config.upload`. The keys must have been checked before.
 * @throws Error when a route with a body has no limits
 */
export function admitUploads(
  scope: FastifyInstance,
  { config, engine, admission }: Pick<Service, 'config' | 'engine' | 'admission'>,
): void {
  scope.decorateRequest('admitted', null);
  scope.addHook('onRoute', ({ url, schema, config: settings }) => {
    if (schema?.body && !settings?.upload) throw new Error(`${url} has a body but no limits: set config.upload.`);
  });
  scope.addHook('onRequest', async (request, reply) => {
    const { upload } = request.routeOptions.config;
    if (!upload) return;
    if (upload.needsEngine) engine.describe();
    const deadline = startDeadline(request, reply, upload.seconds);
    const memory = neededMemory(request, config, upload.jsonBytes);
    const owner = { tenant: request.tenant };
    const reservation = await admission.enter(owner, deadline.signal, memory).catch(throwBusy);
    deadline.admitted(config.UPLOAD_IDLE_S);
    reply.raw.once('close', reservation.release);
    if (reply.raw.destroyed) reservation.release();
    const count = counter(config.MAX_UPLOAD_BYTES, memory, reservation);
    request.admitted = { reservation, deadline, count };
  });
}

/** The work on one admitted request. */
type UploadHandler<Result> = (request: FastifyRequest, reply: FastifyReply, admitted: Admitted) => Promise<Result>;

/**
 * Makes the handler of a route that scores uploads. Errors are dropped if the response is decided already: the deadline has sent
 * a problem, or the client has disconnected.
 */
export function uploadHandler<Result>(handle: UploadHandler<Result>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<Result | FastifyReply> => {
    const { admitted } = request;
    if (!admitted) throw new Error(`${request.routeOptions.url} has no limits: set config.upload.`);
    try {
      return await handle(request, reply, admitted);
    } catch (error) {
      if (!admitted.deadline.signal.aborted && !reply.sent) throw error;
      return reply.hijack();
    }
  };
}

/** Counts the bytes of a form, and reserves memory for those beyond its Content-Length. */
function counter(limit: number, announced: number, reservation: Reservation): CountBytes {
  let arrived = 0;
  let reserved = announced;
  return (bytes) => {
    arrived += bytes;
    if (arrived > limit) throw tooLarge(limit, {});
    try {
      for (; arrived > reserved; reserved += STEP_BYTES) reservation.grow(STEP_BYTES);
    } catch (error) {
      throwBusy(error);
    }
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
