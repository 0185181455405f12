import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { type ProblemCode, ProblemError, problemDocument } from './problems.ts';

const KNOWN: Record<string, [ProblemCode, string]> = {
  HPE_INVALID_EOF_STATE: ['malformed-http', 'The connection ended before the request did.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['upload-timeout', 'The request was not complete in time.'],
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'The request’s headers are longer than the service takes.'],
};

/** Answers what never becomes a request, since its bytes are no HTTP, as everything else is answered: with a problem. */
export function answerClientError(error: Error & { code?: string }, socket: Socket, log: FastifyBaseLogger): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [code, detail] = KNOWN[`${error.code}`] ?? ['malformed-http', 'The bytes are no HTTP/1.1 request.'];
  // A link that drops in the middle of an upload comes by here too.
  log.debug({ problem: code, fault: error.code }, 'request refused');
  answerOnSocket(new ProblemError(code, detail), socket);
}

/** Answers with a problem where there is no reply to send it with, and closes the connection. */
export function answerOnSocket(problem: ProblemError, socket: Socket): void {
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
