import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RewardResult } from '../../schemas/reward.ts';
import type { RewardEvent } from '../../schemas/reward-event.ts';
import type { PrefixScore } from '../methods/topreward/result.ts';
import { ProblemError } from '../problems/problems.ts';
import type { ScoredPrefix, Scoring } from '../scoring/score-episode.ts';
import type { Deadline } from './deadline.ts';
import { endWithReply, problemInLine, sendLines } from './lines.ts';
import type { Metrics } from './metrics.ts';

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
export async function sendReward(
  scoring: Scoring<PrefixScore, RewardResult>,
  answering: Answering,
): Promise<FastifyReply> {
  const first = await scoring.next();
  endWithReply(scoring, answering.reply);
  return sendLines(eventsOf(first, scoring, answering), answering.reply, answering.deadline);
}

async function* eventsOf(
  first: IteratorResult<ScoredPrefix<PrefixScore>, RewardResult>,
  scoring: Scoring<PrefixScore, RewardResult>,
  { request, deadline: { signal }, metrics }: Answering,
): AsyncGenerator<RewardEvent> {
  try {
    let step = first;
    for (; !step.done; step = await scoring.next()) {
      const { prefix, known, total } = step.value;
      yield { event: 'prefix', ...prefix, known, total };
    }
    yield { event: 'result', result: step.value };
  } catch (thrown) {
    const error = signal.aborted ? signal.reason : thrown;
    // The client has closed the connection.
    if (signal.aborted && !(error instanceof ProblemError)) return;
    yield { event: 'problem', problem: problemInLine(error, request, metrics) };
  }
}
