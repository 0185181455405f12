import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import type { Problem } from '../../schemas/problem.ts';
import type { Deadline } from './deadline.ts';
import { loggedProblem } from './error-handler.ts';
import type { Metrics } from './metrics.ts';

/** The media type of a response in lines: one JSON document per line. */
export const LINES = 'application/x-ndjson';

/** Whether the caller prefers lines to one JSON document (the default). */
export function prefersLines({ raw }: FastifyRequest): boolean {
  return new Negotiator(raw).mediaType(['application/json', LINES]) === LINES;
}

/** Sends one JSON document per line, as fast as the client reads. If the deadline has already sent a problem, it sends nothing. */
export function sendLines(events: AsyncIterable<object>, reply: FastifyReply, deadline: Deadline): FastifyReply {
  if (reply.sent) return reply.hijack();
  deadline.markStreaming();
  deadline.signal.addEventListener('abort', () => {
    // A client that does not read cannot receive a last line, and its connection would keep the episode's frames in memory.
    if (reply.raw.writableNeedDrain) reply.raw.destroy();
  });
  return reply
    .type(LINES)
    .header('x-accel-buffering', 'no')
    .send(Readable.from(linesOf(events)));
}

/**
 * Ends a generator when the reply is closed, for one that has been started before its lines are sent. A stream that is closed
 * before it is read does not end its own generator, because that has not started.
 */
export function endWithReply(running: AsyncGenerator<unknown, unknown, never>, { raw }: FastifyReply): void {
  const end = () => void running.return(undefined).catch(() => {});
  if (raw.closed) end();
  else raw.once('close', end);
}

/** The problem document of an error, for a line. It is logged and counted here: the response has the status 200 already. */
export function problemInLine(error: unknown, request: FastifyRequest, metrics: Metrics): Problem {
  const problem = loggedProblem(error, request);
  metrics.streamedProblem(problem.code);
  return problem;
}

/** Characters of lines after which other requests have a turn. A client that reads fast would else get all waiting lines in one. */
const CHARACTERS_OF_A_TURN = 256 * 1024;

async function* linesOf(events: AsyncIterable<object>): AsyncGenerator<string> {
  let written = 0;
  for await (const event of events) {
    const line = `${escaped(JSON.stringify(event))}\n`;
    yield line;
    written += line.length;
    if (written < CHARACTERS_OF_A_TURN) continue;
    written = 0;
    await nextTurn();
  }
}

/** Escapes three characters that JSON allows but that Python's splitlines and httpx read as the end of a line. */
function escaped(json: string): string {
  return json.replace(/[\u0085\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
