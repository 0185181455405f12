import type { Query } from '../../plan/plan.ts';
import type { Ask } from './asking.ts';
import { type LikelyToken, readChosen, readTop } from './completion.ts';
import { EngineFault } from './faults.ts';
import type { Completion } from './responses.ts';

/** The most likely next tokens, the most likely one first, and the responses that they were read from. */
interface LikelyTokens {
  likely: LikelyToken[];
  answers: Completion[];
}

/**
 * Reads the most likely next tokens after a query whose blocks the engine has. One more query is enough, unless vLLM computes it together
 * with queries that read tokens by their ids. Then each token takes one query, which excludes the tokens before it.
 * @param count how many, at least 1
 * @throws EngineFault; the signal's reason when it aborts
 */
export async function likelyTokens(ask: Ask, query: Query, count: number): Promise<LikelyTokens> {
  const together = await ask(query, { read: { top: count }, start: null, data: 'none' });
  const likely = readTop(together, count);
  if (likely) return { likely, answers: [together] };
  const apart = await oneByOne(ask, query, count);
  return { ...apart, answers: [together, ...apart.answers] };
}

async function oneByOne(ask: Ask, query: Query, count: number): Promise<LikelyTokens> {
  const likely: LikelyToken[] = [];
  const answers: Completion[] = [];
  while (likely.length < count) {
    const known = likely.map(({ id }) => id);
    const answer = await ask(query, { read: { likeliestExcept: known }, start: null, data: 'none' });
    const next = readChosen(answer);
    const last = likely.at(-1)?.logProb ?? 0;
    // An engine that applies the bias to what it returns would make the rest more likely.
    if (known.includes(next.id) || next.logProb > last + ROUNDING)
      throw new EngineFault('unusable', 'The response does not have the next most likely token.');
    likely.push(next);
    answers.push(answer);
  }
  return { likely, answers };
}

/** The same token differs by less than this between two calls of a bf16 model, in nats. */
const ROUNDING = 0.1;
