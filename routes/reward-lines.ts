import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RewardResult } from '../schemas/reward.ts';
import type { PrefixEvent, RewardEvent } from '../schemas/reward-event.ts';
import type { Deadline } from '../src/http/deadline.ts';
import { endWithReply, problemInLine, sendLines } from '../src/http/lines.ts';
import type { Metrics } from '../src/metrics.ts';
import { ProblemError } from '../src/problems/problems.ts';
import type { Scoring } from '../src/score-episode.ts';

interface Answering {
  request: FastifyRequest;
  reply: FastifyReply;
  deadline: Deadline;
  metrics: Metrics;
}

/**
 * Sends one line for each event.
 * @throws errors before the first event, which can still have an HTTP status of their own
 */
export async function sendReward(scoring: Scoring, answering: Answering): Promise<FastifyReply> {
  const first = await scoring.next();
  endWithReply(scoring, answering.reply);
  return sendLines(eventsOf(first, scoring, answering), answering.reply, answering.deadline);
}

async function* eventsOf(
  first: IteratorResult<PrefixEvent, RewardResult>,
  scoring: Scoring,
  { request, deadline: { signal }, metrics }: Answering,
): AsyncGenerator<RewardEvent> {
  try {
    let step = first;
    for (; !step.done; step = await scoring.next()) yield step.value;
    yield { event: 'result', result: step.value };
  } catch (thrown) {
    const error = signal.aborted ? signal.reason : thrown;
    // The client has closed the connection.
    if (signal.aborted && !(error instanceof ProblemError)) return;
    yield { event: 'problem', problem: problemInLine(error, request, metrics) };
  }
}
