import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyBaseLogger } from 'fastify';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { ProblemError, problemDocument } from '../problems/problems.ts';

const KNOWN: Record<string, [ProblemCode, string]> = {
  HPE_INVALID_EOF_STATE: ['malformed-http', 'The connection was closed before the request was complete.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['upload-timeout', 'The request was not complete in time. Send it again.'],
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'The headers are too large. Send less than 16 KiB of headers.'],
};

/** Sends a problem if the bytes on a connection are not a valid HTTP request. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex, log: FastifyBaseLogger): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [code, detail] = KNOWN[`${error.code}`] ?? ['malformed-http', 'The bytes are not an HTTP/1.1 request.'];
  // Links that drop during an upload also get here, so this is only a debug line.
  log.debug({ problem: code, fault: error.code }, 'request refused');
  answerOnSocket(new ProblemError(code, detail), socket);
}

/** Sends a problem on a connection that has no Fastify reply, and closes the connection. */
export function answerOnSocket(problem: ProblemError, socket: Duplex): void {
  const document = problemDocument(problem, randomUUID());
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${document.status} ${STATUS_CODES[document.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${document.instance}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy();
}
