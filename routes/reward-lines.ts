import type { FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import type { RewardResult } from '../schemas/reward.ts';
import type { PrefixEvent, RewardEvent } from '../schemas/reward-event.ts';
import type { Deadline } from '../src/deadline.ts';
import { loggedProblem } from '../src/error-handler.ts';
import type { Metrics } from '../src/metrics.ts';
import { ProblemError } from '../src/problems.ts';
import type { Scoring } from '../src/score-episode.ts';
import { LINES, sendLines } from './lines.ts';

/** Whether the caller prefers lines to one JSON document (the default). */
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
 * Sends one line for each event.
 * @throws errors before the first event, which can still have an HTTP status of their own
 */
export async function sendReward(scoring: Scoring, answering: Answering): Promise<FastifyReply> {
  const first = await scoring.next();
  endWithReply(scoring, answering.reply);
  return sendLines(eventsOf(first, scoring, answering), answering.reply, answering.deadline);
}

/** Ends the scoring when the reply is closed. A stream that is closed before it is read does not end its generator, because that has not started. */
function endWithReply(scoring: Scoring, { raw }: FastifyReply): void {
  const end = () => void scoring.return(undefined as never).catch(() => {});
  if (raw.closed) end();
  else raw.once('close', end);
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
    const problem = loggedProblem(error, request);
    metrics.toldInLines(problem.code);
    yield { event: 'problem', problem };
  }
}
