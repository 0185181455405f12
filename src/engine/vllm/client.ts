import { Agent, type Dispatcher, request } from 'undici';
import { EngineFault, faultOf } from './faults.ts';

/** A request body of known length that can be made again for a second try. */
export interface Body {
  bytes: number;
  chunks(): Iterable<Buffer>;
}

/** vLLM over HTTP. Connections are kept and reused. */
export interface VllmClient {
  /** @throws EngineFault, or the signal's reason when it aborts */
  get<Answer>(path: string, signal: AbortSignal): Promise<Answer>;
  post<Answer>(path: string, body: Body, signal: AbortSignal, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

/** The longest prompt's token ids make the largest answer. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export interface ClientOptions {
  url: string;
  apiKey: string;
  /** requests in flight for episodes */
  connections: number;
}

export function createClient({ url, apiKey, connections }: ClientOptions): VllmClient {
  // Two more connections than requests for episodes: the probe and the health check are not kept waiting.
  // No timeouts of its own: every request has a signal, and a deadline behind it.
  const agent = new Agent({ connections: connections + 2, headersTimeout: 0, bodyTimeout: 0, connectTimeout: 5000 });
  const authorization = apiKey ? { authorization: `Bearer ${apiKey}` } : {};

  async function ask<Answer>(
    path: string,
    options: Omit<Dispatcher.RequestOptions, 'path' | 'origin'>,
  ): Promise<Answer> {
    const response = await send(`${url}${path}`, { ...options, dispatcher: agent });
    const text = await bodyText(response, options.signal as AbortSignal);
    if (response.statusCode >= 400) throw faultOf(response.statusCode, text);
    return JSON.parse(text) as Answer;
  }

  return {
    get: (path, signal) => ask(path, { method: 'GET', signal, headers: authorization }),
    post: (path, body, signal, headers = {}) =>
      ask(path, {
        method: 'POST',
        signal,
        headers: {
          ...headers,
          ...authorization,
          'content-type': 'application/json',
          'content-length': String(body.bytes),
        },
        body: body.chunks() as never,
      }),
    close: () => agent.close(),
  };
}

async function send(url: string, options: Parameters<typeof request>[1] & { signal?: unknown }) {
  try {
    return await request(url, options);
  } catch (error) {
    throw unreachable(error, options.signal as AbortSignal);
  }
}

async function bodyText(response: { body: AsyncIterable<Buffer> }, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new Error('The answer is too large.');
      chunks.push(chunk);
    }
  } catch (error) {
    throw unreachable(error, signal);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unreachable(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const { code, message } = error as { code?: string; message: string };
  return new EngineFault('unreachable', `${code ?? ''} ${message}`.trim(), [], error);
}

/** A JSON document as a body. */
export function jsonBody(document: unknown): Body {
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes: bytes.length, chunks: () => [bytes] };
}
