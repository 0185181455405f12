import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import type { Answer } from './answers.ts';
import { BOUNDARY } from './forms.ts';

/** If the service sends nothing for this time, the test fails. */
const SILENCE_MS = 5_000;

/** A connection on which a test writes the bytes of a request itself. */
export interface RawClient {
  socket: Socket;
  /** Writes the head of a POST. `contentLength` is the size of the body in bytes; `undefined` means a chunked body. */
  post(contentLength: number | undefined, headers?: Record<string, string>): void;
  /** The first response, when its head and its body have arrived. */
  answer(): Promise<Answer>;
}

export async function rawClient(t: Test, port: number, path = '/v1/rewards'): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  return {
    socket,
    post(contentLength, headers = {}) {
      const length =
        contentLength === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': contentLength };
      const all = {
        host: '127.0.0.1',
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
        ...length,
        ...headers,
      };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    },
    async answer() {
      for (;;) {
        const whole = parseAnswer(text);
        if (whole) return whole;
        if (socket.readableEnded || socket.destroyed) throw new Error(`The connection was closed after: ${text}`);
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      }
    },
  };
}

function parseAnswer(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => field.toLowerCase().split(': ', 2) as [string, string]));
  const body = text.slice(end + 4);
  if (Buffer.byteLength(body) < Number(headers['content-length'] ?? 0)) return undefined;
  return { statusCode: Number(line.split(' ')[1]), headers, body };
}
