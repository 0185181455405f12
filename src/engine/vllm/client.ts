import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { type AnswerKind, ERROR } from './answers.ts';
import { EngineFault, faultOf } from './faults.ts';

/** A request body of known length that can be made again for a second try. */
export interface Body {
  bytes: number;
  chunks(): Iterable<Uint8Array>;
}

/** vLLM over HTTP. Connections are kept and reused. What it answers is checked before anything reads it. */
export interface VllmClient {
  /** @throws EngineFault, or the signal's reason when it aborts */
  get<Answer>(path: string, kind: AnswerKind<Answer>, signal: AbortSignal): Promise<Answer>;
  /**
   * When it has returned or thrown, nothing reads the body's chunks any more: their memory may be let go.
   * @throws EngineFault, or the signal's reason when it aborts
   */
  post<Answer>(
    path: string,
    body: Body,
    kind: AnswerKind<Answer>,
    signal: AbortSignal,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /**
   * Asks `/health`, which answers without a body.
   * @returns whether it says that the engine runs; false too where no connection can be made
   * @throws the signal's reason when it aborts
   */
  healthy(signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

export interface ClientOptions {
  url: string;
  apiKey: string;
  /** requests in flight for episodes */
  connections: number;
}

type Options = Omit<Dispatcher.RequestOptions, 'path' | 'origin'> & { signal: AbortSignal };
type Response = Dispatcher.ResponseData;

export function createClient({ url, apiKey, connections }: ClientOptions): VllmClient {
  // Two more connections than requests for episodes: the probe and the health check are not kept waiting.
  // No timeouts of its own: every request has a signal, and a deadline behind it.
  const timeouts = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: 5000 };
  // HTTP/1.1: what waits to be written of a body stands in the socket of that request alone.
  const agent = new Agent({ connections: connections + 2, allowH2: false, ...timeouts });
  const common = { accept: 'application/json', 'accept-encoding': 'identity' };
  const own = apiKey ? { ...common, authorization: `Bearer ${apiKey}` } : common;

  const writers = watchWriters();

  /** Sends a request and reads its answer; whatever breaks on the way is a fault. */
  async function send<Result>(path: string, options: Options, read: (response: Response) => Promise<Result>) {
    try {
      return await read(await request(`${url}${path}`, { ...options, dispatcher: agent }));
    } catch (error) {
      if (error instanceof EngineFault) throw error;
      throw options.signal.aborted ? options.signal.reason : broken(error);
    }
  }

  async function ask<Answer>(path: string, kind: AnswerKind<Answer>, options: Options): Promise<Answer> {
    const name = `${options.method} ${path}`;
    return send(path, options, async (response) => {
      if (response.statusCode >= 400) {
        const { bytes } = await bodyOf(response, ERROR.maxBytes);
        throw faultOf(name, response.statusCode, bytes.toString('utf8'));
      }
      return readAnswer(name, kind, response);
    });
  }

  return {
    get: (path, kind, signal) => ask(path, kind, { method: 'GET', signal, headers: own }),
    async post(path, { bytes, chunks }, kind, signal, headers = {}) {
      const length = { 'content-type': 'application/json', 'content-length': String(bytes) };
      const body = chunks();
      try {
        const options = { method: 'POST', signal, headers: { ...headers, ...own, ...length }, body: body as never };
        return await ask(path, kind, options);
      } finally {
        writers.end(body);
      }
    },
    async healthy(signal) {
      try {
        return await send('/health', { method: 'GET', signal, headers: own }, async (response) => {
          await bodyOf(response, ERROR.maxBytes);
          return response.statusCode === 200;
        });
      } catch (error) {
        if (error instanceof EngineFault) return false;
        throw error;
      }
    },
    async close() {
      await agent.close();
      writers.close();
    },
  };
}

/**
 * Knows which connection writes which body. An engine may answer before it has read a body to its end; what it has not read then
 * still waits in the socket, by reference.
 */
function watchWriters(): { end(body: object): void; close(): void } {
  const sockets = new WeakMap<object, Socket>();
  const note = (message: unknown) => {
    const { request: sent, socket } = message as { request: { body: unknown }; socket: Socket };
    if (typeof sent.body === 'object' && sent.body !== null) sockets.set(sent.body, socket);
  };
  subscribe(SENT, note);
  return {
    end(body) {
      const socket = sockets.get(body);
      if (socket && socket.writableLength > 0) socket.destroy();
    },
    close: () => void unsubscribe(SENT, note),
  };
}

/** Published by undici when it begins to write a request. */
const SENT = 'undici:client:sendHeaders';

/** @throws EngineFault unusable, unless it is a JSON document of this kind, as it is and whole */
async function readAnswer<Answer>(name: string, kind: AnswerKind<Answer>, response: Response): Promise<Answer> {
  const { statusCode, headers } = response;
  const { bytes, whole } = await bodyOf(response, kind.maxBytes);
  const unusable = (what: string) => {
    const words = bytes.toString('utf8', 0, 300);
    return new EngineFault('unusable', `The answer to ${name} ${what}. Check that ENGINE_URL is a vLLM.`, { words });
  };
  if (statusCode !== 200) throw unusable(`has status ${statusCode}`);
  if (String(headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') throw unusable('is compressed');
  if (!/^application\/json\s*(;|$)/i.test(String(headers['content-type'] ?? ''))) throw unusable('is not JSON');
  if (!whole) throw unusable(`has more than ${kind.maxBytes} bytes`);
  const document = parsed(bytes);
  if (document === undefined) throw unusable('is not valid JSON');
  if (!kind.fits(document)) throw unusable(`does not fit at "${kind.misfit(document)}"`);
  return document;
}

/** @returns undefined where the bytes are no JSON in UTF-8 */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Reads a body up to a limit; of a longer one the rest is left, and its connection closed. */
async function bodyOf({ body }: Response, limit: number): Promise<{ bytes: Buffer; whole: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) return { bytes: Buffer.concat(chunks), whole: false };
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), whole: true };
}

function broken(error: unknown): EngineFault {
  const { code } = error as { code?: unknown };
  const how = typeof code === 'string' && /^\w{1,40}$/.test(code) ? ` (${code})` : '';
  return new EngineFault('unreachable', `The engine cannot be reached${how}. Check ENGINE_URL, and that vLLM runs.`, {
    cause: error,
  });
}

/** A JSON document as a body. */
export function jsonBody(document: unknown): Body {
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes: bytes.length, chunks: () => [bytes] };
}
