import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EpisodeResult } from '../../schemas/result.ts';
import type { RewardEvent } from '../../schemas/reward-event.ts';
import { ProblemError } from '../problems/problems.ts';
import type { PrefixLine } from '../scoring/score-episode.ts';
import type { ScoredPrefix, Scoring } from '../scoring/scoring.ts';
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
  scoring: Scoring<PrefixLine, EpisodeResult>,
  answering: Answering,
): Promise<FastifyReply> {
  const first = await scoring.next();
  endWithReply(scoring, answering.reply);
  return sendLines(eventsOf(first, scoring, answering), answering.reply, answering.deadline);
}

async function* eventsOf(
  first: IteratorResult<ScoredPrefix<PrefixLine>, EpisodeResult>,
  scoring: Scoring<PrefixLine, EpisodeResult>,
  { request, deadline: { signal }, metrics }: Answering,
): AsyncGenerator<RewardEvent> {
  try {
    let step = first;
    for (; !step.done; step = await scoring.next()) {
      const { line, known, total } = step.value;
      yield { ...line, known, total };
    }
    yield { event: 'result', result: step.value };
  } catch (thrown) {
    const error = signal.aborted ? signal.reason : thrown;
    // The client has closed the connection.
    if (signal.aborted && !(error instanceof ProblemError)) return;
    yield { event: 'problem', problem: problemInLine(error, request, metrics) };
  }
}
