import { setLogProbs } from '../../engine/log-probs.ts';
import type { AnswerStep, ReadAnswers } from '../../plan/answer-steps.ts';
import { mapAll } from '../../plan/non-empty.ts';
import type { EpisodePlan, PlannedPrefix, Query, Read } from '../../plan/plan.ts';
import { type Scored, valuesOf } from '../../result/scored.ts';

/**
 * Adds the queries that read answers of several tokens: after each query of a plan, one for each further step.
 * @param plan with one query for the first tokens of all answers of each prefix
 */
export function withSteps(plan: EpisodePlan, { steps }: ReadAnswers): EpisodePlan {
  const [first, ...further] = steps;
  if (further.length === 0) return plan;
  const [longest, ...shorter] = plan.queries;
  const following = (query: Query): Query[] => further.map((step) => ({ ...query, read: readOfStep(step) }));
  const asking = (query: Query): Query => ({ ...query, read: readOfStep(first) });
  const places = (query: number) => query * steps.length;
  // Prefixes with the same sampled frames share one list: there can be 10,000 of them.
  const lists = plan.queries.map((_, query) => further.map((_, i) => places(query) + 1 + i));
  return {
    ...plan,
    queries: [
      asking(longest),
      ...following(longest),
      ...shorter.flatMap((query) => [asking(query), ...following(query)]),
    ],
    prefixes: mapAll(
      plan.prefixes,
      (prefix): PlannedPrefix => ({
        ...prefix,
        query: places(prefix.query),
        further: lists[prefix.query] ?? [],
      }),
    ),
  };
}

/** Each token is a set of its own: a text is the sum over its tokens. */
function readOfStep({ start, reads }: AnswerStep): Read {
  return { answers: mapAll(reads, (id) => [id]), ...(start && { start }) };
}

/**
 * The log probabilities of True and of False. A text of several tokens is the sum over its tokens, each of them after those before it.
 * @param values what each query of a prefix read, in the order of the steps, nats
 */
export function answerLogProbs(
  { trueTokens, falseTokens, steps, places }: ReadAnswers,
  values: readonly (readonly number[])[],
): readonly number[] {
  // All texts have one token: the query has summed its two sets already.
  if (steps.length === 1) return values[0] ?? [];
  const texts = places.map((tokens) =>
    tokens.reduce((sum, { step, at }) => sum + (values[step]?.[at] ?? Number.NaN), 0),
  );
  return setLogProbs(texts, [trueTokens.length, falseTokens.length]);
}

/**
 * The log probabilities of True and of False for every prefix of a plan. Prefixes with the same sampled frames share their queries, which
 * are looked at once.
 * @param readings one for each query of the plan, by its index
 */
export function prefixLogProbs(
  answers: ReadAnswers,
  { prefixes }: EpisodePlan,
  readings: Scored['readings'],
): (readonly number[])[] {
  const known = new Map<number, readonly number[]>();
  return prefixes.map((prefix) => {
    const logProbs = known.get(prefix.query) ?? answerLogProbs(answers, valuesOf(readings, prefix));
    known.set(prefix.query, logProbs);
    return logProbs;
  });
}
