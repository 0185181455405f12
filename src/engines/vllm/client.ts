import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { EngineFault, faultOf } from './faults.ts';
import { ERROR, type ResponseKind } from './responses.ts';

/** A request body of known length. It can be produced again for a retry. */
export interface Body {
  bytes: number;
  chunks(): Iterable<Uint8Array>;
}

/** A client for vLLM over HTTP. It reuses connections and checks every response against its schema. */
export interface VllmClient {
  /** Sends a GET request. @throws EngineFault, or the signal's reason when it aborts */
  get<Document>(path: string, kind: ResponseKind<Document>, signal: AbortSignal): Promise<Document>;
  /**
   * Sends a POST request. After it returns or throws, nothing reads the body's chunks, so their memory can be freed.
   * @throws EngineFault, or the signal's reason when it aborts
   */
  post<Document>(
    path: string,
    body: Body,
    kind: ResponseKind<Document>,
    signal: AbortSignal,
    headers?: Record<string, string>,
  ): Promise<Document>;
  /**
   * Requests `/health`, whose response has no body.
   * @returns true if the status is 200; false for another status or if no connection can be made
   * @throws the signal's reason when it aborts
   */
  healthy(signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** Where vLLM is, and how to connect to it. */
interface ClientOptions {
  url: string;
  /** empty if vLLM requires none */
  apiKey: string;
  /** most requests in flight for episodes */
  connections: number;
}

type Options = Omit<Dispatcher.RequestOptions, 'path' | 'origin'> & { signal: AbortSignal };
type Response = Dispatcher.ResponseData;

/** Creates a client. It opens connections when they are needed. */
export function createClient({ url, apiKey, connections }: ClientOptions): VllmClient {
  // Two more connections than requests for episodes, so that the probe and the health check do not wait.
  // The client needs no response timeouts: every request has a signal with a deadline.
  const timeouts = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: 5000 };
  // With HTTP/1.1, unsent bytes of a body wait in the socket of that request only.
  const agent = new Agent({ connections: connections + 2, allowH2: false, ...timeouts });
  const common = { accept: 'application/json', 'accept-encoding': 'identity' };
  const own = apiKey ? { ...common, authorization: `Bearer ${apiKey}` } : common;

  const writers = watchWriters();

  /** Sends a request and reads its response. Every failure of the connection becomes an EngineFault. */
  async function send<Result>(path: string, options: Options, read: (response: Response) => Promise<Result>) {
    try {
      return await read(await request(`${url}${path}`, { ...options, dispatcher: agent }));
    } catch (error) {
      if (error instanceof EngineFault) throw error;
      throw options.signal.aborted ? options.signal.reason : broken(error);
    }
  }

  async function ask<Document>(path: string, kind: ResponseKind<Document>, options: Options): Promise<Document> {
    const name = `${options.method} ${path}`;
    return send(path, options, async (response) => {
      if (response.statusCode >= 400) {
        const { bytes } = await bodyOf(response, ERROR.maxBytes);
        throw faultOf(name, response.statusCode, bytes.toString('utf8'));
      }
      return readDocument(name, kind, response);
    });
  }

  return {
    get: (path, kind, signal) => ask(path, kind, { method: 'GET', signal, headers: own }),
    async post(path, { bytes, chunks }, kind, signal, headers = {}) {
      const length = { 'content-type': 'application/json', 'content-length': String(bytes) };
      const body = chunks();
      try {
        // undici accepts every iterable; its types do not say so.
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
 * Tracks which socket writes which body. An engine may respond before it has read the complete body. The rest of the
 * body then still waits in the socket, by reference, so `end` destroys that socket.
 */
function watchWriters(): { end(body: object): void; close(): void } {
  const sockets = new WeakMap<object, Socket>();
  const note = (message: unknown) => {
    if (isSending(message) && message.request.body) sockets.set(message.request.body, message.socket);
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

/** A message of undici that names a request and the socket that writes it. */
interface Sending {
  request: { body?: object | null };
  socket: Socket;
}

function isSending(message: unknown): message is Sending {
  if (typeof message !== 'object' || message === null || !('request' in message && 'socket' in message)) return false;
  const { request: sent, socket } = message;
  if (typeof sent !== 'object' || sent === null || !('body' in sent)) return false;
  return typeof sent.body === 'object' && socket instanceof Socket;
}

/** The diagnostics channel on which undici reports that it begins to write a request. */
const SENT = 'undici:client:sendHeaders';

/** @throws EngineFault unusable, unless the response is a complete, uncompressed JSON document of this kind */
async function readDocument<Document>(
  name: string,
  kind: ResponseKind<Document>,
  response: Response,
): Promise<Document> {
  const { statusCode, headers } = response;
  const { bytes, whole } = await bodyOf(response, kind.maxBytes);
  const unusable = (what: string) => {
    const words = bytes.toString('utf8', 0, 300);
    return new EngineFault(
      'unusable',
      `The response to ${name} ${what}. Check that ENGINE_URL is the address of vLLM.`,
      { words },
    );
  };
  if (statusCode !== 200) throw unusable(`has status ${statusCode}`);
  if (String(headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') throw unusable('is compressed');
  if (!/^application\/json\s*(;|$)/i.test(String(headers['content-type'] ?? ''))) throw unusable('is not JSON');
  if (!whole) throw unusable(`has more than ${kind.maxBytes} bytes`);
  const document = parsed(bytes);
  if (document === undefined) throw unusable('is not valid JSON');
  if (!kind.fits(document)) throw unusable(`does not have the expected form at "${kind.misfit(document)}"`);
  return document;
}

/** @returns undefined if the bytes are not JSON in UTF-8 */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Reads a body up to a limit. If it is longer, the rest is not read and the connection closes. */
async function bodyOf({ body }: Response, limit: number): Promise<{ bytes: Buffer; whole: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  const arriving: AsyncIterable<Buffer> = body;
  for await (const chunk of arriving) {
    length += chunk.length;
    if (length > limit) return { bytes: Buffer.concat(chunks), whole: false };
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), whole: true };
}

function broken(error: unknown): EngineFault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const how = typeof code === 'string' && /^\w{1,40}$/.test(code) ? ` (${code})` : '';
  return new EngineFault(
    'unreachable',
    `The engine cannot be reached${how}. Check ENGINE_URL, and check that vLLM runs.`,
    {
      cause: error,
    },
  );
}

/** Makes a request body from a JSON document. */
export function jsonBody(document: unknown): Body {
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes: bytes.length, chunks: () => [bytes] };
}
