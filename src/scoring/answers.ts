import { MOST_ANSWERS } from '../../schemas/answers.ts';
import type { AnswerTokens } from '../../schemas/reward.ts';
import type { Engine } from '../engine/engine.ts';
import { controlTokenProblem } from '../episode/control-tokens.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { NonEmpty } from '../plan/non-empty.ts';
import { ProblemError } from '../problems/problems.ts';
import type { ReadAnswers } from '../result/scored.ts';

/**
 * Finds the tokens of an episode's answers, and checks that one query can read them.
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError special-token-text; invalid-answers for a text that is not one token, for two texts with the same token,
 *   and for more tokens than one query reads
 */
export async function tokensOfAnswers(
  { answers: { trueTexts, falseTexts } }: EpisodeRequest,
  engine: Engine,
  signal: AbortSignal,
  pointer: string,
): Promise<ReadAnswers> {
  const place = `${pointer}/answers`;
  const all = trueTexts.length + falseTexts.length;
  if (all > MOST_ANSWERS) {
    const detail = `There are ${all} texts in \`answers\`; one query reads at most ${MOST_ANSWERS} tokens. Send fewer texts.`;
    throw new ProblemError('invalid-answers', detail, { pointer: place, limit: MOST_ANSWERS });
  }
  const known = new Map<number, string>();
  // One after another: a request must not take all connections to the engine.
  async function tokensOf(texts: Readonly<NonEmpty<string>>, list: string): Promise<NonEmpty<AnswerTokens>> {
    const tokens: AnswerTokens[] = [];
    for (const [i, text] of texts.entries()) {
      const at = `${place}/${list}/${i}`;
      const special = await engine.controlTokenIn(text, signal);
      if (special !== undefined) throw controlTokenProblem(special, at, 'the text');
      const ids = await engine.tokenIdsOf(text, signal);
      const id = singleToken(text, ids, at);
      const same = known.get(id);
      if (same !== undefined) {
        const detail = `The model has the same token for ${JSON.stringify(text)} and ${JSON.stringify(same)}. Send one of them.`;
        throw new ProblemError('invalid-answers', detail, { pointer: at });
      }
      known.set(id, text);
      tokens.push({ text, ids });
    }
    const [first, ...others] = tokens;
    if (!first) throw new RangeError('A list of answers has at least one text.');
    return [first, ...others];
  }
  return {
    trueTokens: await tokensOf(trueTexts, 'true_texts'),
    falseTokens: await tokensOf(falseTexts, 'false_texts'),
  };
}

function singleToken(text: string, ids: readonly number[], pointer: string): number {
  const [id, ...more] = ids;
  if (id !== undefined && more.length === 0) return id;
  const detail = `The model’s tokenizer makes ${ids.length} tokens of ${JSON.stringify(text)}, but each text must be one token. A leading space belongs to the text.`;
  throw new ProblemError('invalid-answers', detail, { pointer });
}
