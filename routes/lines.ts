import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Deadline } from '../src/deadline.ts';

export const LINES = 'application/x-ndjson';

/** Answers with one JSON document per line, as fast as the client takes them. Where the deadline has answered already, nothing more is sent. */
export function sendLines(events: AsyncIterable<object>, reply: FastifyReply, deadline: Deadline): FastifyReply {
  if (reply.sent) return reply.hijack();
  deadline.underWay();
  deadline.signal.addEventListener('abort', () => {
    // Who takes no lines cannot be told that there are no more, and would hold on to the episode's frames.
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

/** JSON lets three characters stand that many a reader of lines (Python's splitlines, httpx) takes for the end of one. */
function escaped(json: string): string {
  return json.replace(/[\u0085\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
