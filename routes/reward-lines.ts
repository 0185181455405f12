import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import type { RewardResult } from '../schemas/reward.ts';
import type { PrefixEvent, RewardEvent } from '../schemas/reward-event.ts';
import type { Deadline } from '../src/deadline.ts';
import { loggedProblem } from '../src/error-handler.ts';
import type { Metrics } from '../src/metrics.ts';
import { ProblemError } from '../src/problems.ts';
import type { Scoring } from '../src/score-episode.ts';

export const LINES = 'application/x-ndjson';

/** Whether the caller would rather have lines than one document, which is what all others get. */
export function prefersLines({ raw }: FastifyRequest): boolean {
  return new Negotiator(raw).mediaType(['application/json', LINES]) === LINES;
}

interface Answering {
  request: FastifyRequest;
  reply: FastifyReply;
  deadline: Deadline;
  metrics: Metrics;
}

/**
 * Answers with one line for each event, as fast as the client takes them.
 * @throws what goes wrong before the first event: it still has a status of its own
 */
export async function sendLines(scoring: Scoring, answering: Answering): Promise<FastifyReply> {
  const { reply, deadline } = answering;
  const first = await scoring.next();
  const lines = Readable.from(linesOf(first, scoring, answering));
  deadline.underWay();
  deadline.signal.addEventListener('abort', () => {
    // Who takes no lines cannot be told that there are no more, and would hold on to the episode's frames.
    if (reply.raw.writableNeedDrain) reply.raw.destroy();
  });
  return reply.type(LINES).header('x-accel-buffering', 'no').send(lines);
}

async function* linesOf(
  first: IteratorResult<PrefixEvent, RewardResult>,
  scoring: Scoring,
  { request, deadline: { signal }, metrics }: Answering,
): AsyncGenerator<string> {
  try {
    let step = first;
    for (; !step.done; step = await scoring.next()) yield line(step.value);
    yield line({ event: 'result', result: step.value });
  } catch (thrown) {
    const error = signal.aborted ? signal.reason : thrown;
    // The client is gone.
    if (signal.aborted && !(error instanceof ProblemError)) return;
    const problem = loggedProblem(error, request);
    metrics.brokenOff(problem.code);
    yield line({ event: 'problem', problem });
  } finally {
    // A client that leaves between two lines.
    await scoring.return(undefined as never);
  }
}

function line(event: RewardEvent): string {
  return `${JSON.stringify(event)}\n`;
}
