import { MOST_ANSWERS, MOST_FURTHER_QUERIES } from '../../../schemas/answers.ts';
import type { AnswerTokens } from '../../../schemas/reward.ts';
import { controlTokenProblem } from '../../episode/control-tokens.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import {
  type AnswerStart,
  type AnswerStep,
  answerSteps,
  nameOf,
  nestedTexts,
  type ReadAnswers,
  tokenPlaces,
} from '../../plan/answer-steps.ts';
import { mapAll, type NonEmpty } from '../../plan/non-empty.ts';
import { ProblemError } from '../../problems/problems.ts';
import type { TokenLookup } from '../method.ts';

/** A text of the answers. */
interface Text extends AnswerTokens {
  /** JSON pointer to it in the request */
  pointer: string;
}

/**
 * Finds the tokens of an episode's answers, and the queries that read them.
 * @throws ProblemError special-token-text; invalid-answers for a text without a token, for texts that count the same answer, and for
 *   more tokens or queries than the limits
 */
export async function tokensOfAnswers(
  { answers: { trueTexts, falseTexts } }: EpisodeRequest,
  lookup: TokenLookup,
): Promise<ReadAnswers> {
  const { pointer } = lookup;
  const place = `${pointer}/answers`;
  const reads = new Map<string, Set<number>>();
  // Text by text: 255 texts of 256 tokens each must not be compared, or even tokenized, to be refused.
  const count = ({ ids }: Text) => {
    for (const [i, id] of ids.entries()) {
      const start = nameOf(ids.slice(0, i));
      const read = reads.get(start) ?? new Set();
      reads.set(start, read.add(id));
      if (reads.size - 1 > MOST_FURTHER_QUERIES) throw tooManySteps(place);
      if (read.size > MOST_ANSWERS) throw tooManyReads(place);
    }
  };
  const trueTokens = await tokensOf(trueTexts, { list: `${place}/true_texts`, count }, lookup);
  const falseTokens = await tokensOf(falseTexts, { list: `${place}/false_texts`, count }, lookup);
  const texts = [...trueTokens, ...falseTokens];
  checkDistinct(texts);
  const steps = answerSteps(texts);
  const [first, ...further] = steps;
  if (!first) throw new RangeError('There is at least one answer.');
  const later: AnswerStep[] = [];
  for (const { start, reads } of further) later.push({ start: await startOf(start, lookup), reads });
  const withoutPlace = ({ text, ids }: Text): AnswerTokens => ({ text, ids });
  return {
    trueTokens: mapAll(trueTokens, withoutPlace),
    falseTokens: mapAll(falseTokens, withoutPlace),
    steps: [{ start: null, reads: first.reads }, ...later],
    places: tokenPlaces(texts, steps),
  };
}

function tooManyReads(pointer: string): ProblemError {
  const detail = `One query would read more than ${MOST_ANSWERS} tokens. Send fewer texts.`;
  return new ProblemError('invalid-answers', detail, { pointer, limit: MOST_ANSWERS });
}

function tooManySteps(pointer: string): ProblemError {
  const detail = `The texts of several tokens need more than ${MOST_FURTHER_QUERIES} further queries for each prefix. Send fewer or shorter texts.`;
  return new ProblemError('invalid-answers', detail, { pointer, limit: MOST_FURTHER_QUERIES });
}

/**
 * One text after another: a request must not take all connections to the engine.
 * @param list JSON pointer to the texts
 * @param count is called with each text, and throws to refuse it
 */
async function tokensOf(
  [first, ...others]: Readonly<NonEmpty<string>>,
  { list, count }: { list: string; count: (text: Text) => void },
  { tokenizer, caller }: TokenLookup,
): Promise<NonEmpty<Text>> {
  const read = async (text: string, place: number): Promise<Text> => {
    const pointer = `${list}/${place}`;
    const special = await tokenizer.controlTokenIn(text, caller);
    if (special !== undefined) throw controlTokenProblem(special, pointer, 'the text');
    const ids = await tokenizer.tokenIdsOf(text, caller);
    if (ids.length === 0) {
      const detail = `The model’s tokenizer makes no token of ${JSON.stringify(text)}.`;
      throw new ProblemError('invalid-answers', detail, { pointer });
    }
    const found = { text, ids, pointer };
    count(found);
    return found;
  };
  const texts: NonEmpty<Text> = [await read(first, 0)];
  for (const [i, text] of others.entries()) texts.push(await read(text, i + 1));
  return texts;
}

/** @throws ProblemError invalid-answers, if one text begins with another one: the model would count the same answer twice */
function checkDistinct(texts: Text[]): void {
  const nested = nestedTexts(texts);
  const [longer, shorter] = [texts[nested?.longer ?? -1], texts[nested?.shorter ?? -1]];
  if (!longer || !shorter) return;
  const [one, other] = [JSON.stringify(longer.text), JSON.stringify(shorter.text)];
  const detail =
    longer.ids.length === shorter.ids.length
      ? `The model has the same token for ${one} and ${other}. Send one of them.`
      : `The tokens of ${one} begin with those of ${other}, so both would count the same answer. Send one of them.`;
  throw new ProblemError('invalid-answers', detail, { pointer: longer.pointer });
}

async function startOf(start: readonly number[], { tokenizer, caller }: TokenLookup): Promise<AnswerStart> {
  const [id, ...more] = start;
  if (id === undefined) throw new RangeError('A further step follows at least one token.');
  return { text: await tokenizer.textOf([id, ...more], caller), ids: [id, ...more] };
}
