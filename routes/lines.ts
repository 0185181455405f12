import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Deadline } from '../src/deadline.ts';

export const LINES = 'application/x-ndjson';

/** Sends one JSON document per line, as fast as the client reads. If the deadline has already sent a problem, it sends nothing. */
export function sendLines(events: AsyncIterable<object>, reply: FastifyReply, deadline: Deadline): FastifyReply {
  if (reply.sent) return reply.hijack();
  deadline.underWay();
  deadline.signal.addEventListener('abort', () => {
    // A client that does not read cannot receive a last line, and its connection would keep the episode's frames in memory.
    if (reply.raw.writableNeedDrain) reply.raw.destroy();
  });
  return reply
    .type(LINES)
    .header('x-accel-buffering', 'no')
    .send(Readable.from(linesOf(events)));
}

async function* linesOf(events: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const event of events) yield `${escaped(JSON.stringify(event))}\n`;
}

/** Escapes three characters that JSON allows but that Python's splitlines and httpx read as the end of a line. */
function escaped(json: string): string {
  return json.replace(/[\u0085\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
