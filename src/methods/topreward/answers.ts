import type { AnswerTokens } from '../../../schemas/reward.ts';
import { setLogProbs } from '../../engine/log-probs.ts';
import { type AnswerStep, nameOf, type ReadAnswers } from '../../plan/answer-steps.ts';
import { mapAll } from '../../plan/non-empty.ts';
import type { EpisodePlan, PlannedPrefix, Query, Read } from '../../plan/plan.ts';

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
        further: further.map((_, i) => places(prefix.query) + 1 + i),
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
  { trueTokens, falseTokens, steps }: ReadAnswers,
  values: readonly (readonly number[])[],
): readonly number[] {
  // All texts have one token: the query has summed its two sets already.
  if (steps.length === 1) return values[0] ?? [];
  const read = new Map(
    steps.flatMap(({ start, reads }, step) =>
      reads.map((id, i) => [nameOf([...(start?.ids ?? []), id]), values[step]?.[i] ?? Number.NaN] as const),
    ),
  );
  const textLogProb = ({ ids }: AnswerTokens) =>
    ids.reduce((sum, _, i) => sum + (read.get(nameOf(ids.slice(0, i + 1))) ?? Number.NaN), 0);
  return setLogProbs([...trueTokens, ...falseTokens].map(textLogProb), [trueTokens.length, falseTokens.length]);
}
