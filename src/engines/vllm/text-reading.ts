import type { Reading } from '../../engine/engine.ts';
import type { AnswerStart } from '../../plan/answer-steps.ts';
import type { NonEmpty } from '../../plan/non-empty.ts';
import { idsToRead, type Query, type ReadText } from '../../plan/plan.ts';
import { ProblemError } from '../../problems/problems.ts';
import type { Ask } from './asking.ts';
import { readLast, readLogProbs, tokensOf } from './completion.ts';
import type { PromptCheck } from './prompt-check.ts';
import type { Completion } from './responses.ts';
import { type TextSource, textOf } from './tokenizer.ts';

/** What is needed to read texts. */
interface TextParts {
  ask: Ask;
  check: PromptCheck;
  tokenizer: TextSource;
  /** JSON pointer to the instruction in the request */
  pointer: string;
}

/** Makes the function that reads the texts of one episode after their prompts. */
export function textReader({ ask, check, tokenizer, pointer }: TextParts) {
  /**
   * Reads all tokens of a text but the first, in one query for each place.
   * @returns undefined if the tokenizer makes other tokens of the text when it is cut between them
   */
  async function readSteps(each: Query, read: ReadText): Promise<Completion[] | undefined> {
    const [first, ...others] = read.follows.ids;
    const [, ...places] = idsToRead(read);
    const starts: AnswerStart[] = [];
    for (const place of places.keys()) {
      const ids: NonEmpty<number> = [first, ...others.slice(0, place)];
      starts.push({ ids, text: await textOf(ids, tokenizer) });
    }
    const steps = starts.map(async (start, place) => {
      const ids = places[place] ?? [];
      const answer = await ask(each, { read: { ids }, start, data: 'none' });
      return check.continues(each, start, answer) ? answer : undefined;
    });
    const answers = (await Promise.all(steps)).filter((answer) => answer !== undefined);
    return answers.length === places.length ? answers : undefined;
  }

  /** The steps of the first query that read a text. Whether a text can be cut does not depend on the query. */
  const firstSteps = new Map<string, ReturnType<typeof readSteps>>();

  /** The same, but for a text that cannot be cut only the first query tries it, and the others wait for that. */
  async function readCut(each: Query, read: ReadText): Promise<Completion[] | undefined> {
    const { text } = read.follows;
    const known = firstSteps.get(text);
    if (known && !(await known)) return undefined;
    const steps = readSteps(each, read);
    if (!known) firstSteps.set(text, steps);
    return steps;
  }

  /**
   * Reads each token of a text: one query for each, with the tokens before it after the prompt. All queries except the first compute only
   * these few tokens. If the tokenizer makes other tokens of a text that is cut there, one query for each text computes the complete
   * prompt instead.
   */
  async function readText(each: Query, read: ReadText, isFirst: boolean): Promise<Omit<Reading, 'query'>> {
    const places = idsToRead(read);
    const first = await ask(each, { read: { ids: places[0] }, start: null, data: isFirst ? 'all' : 'own' });
    const prompt = isFirst ? { prompt: await check.seen(each, first) } : {};
    if (!isFirst) check.checkLength(each, first);
    const answers = await readCut(each, read);
    if (answers) {
      const values = [first, ...answers].flatMap((answer, i) => readLogProbs(answer, places[i] ?? []));
      return { values, ...tokensOf([first, ...answers]), ...prompt };
    }
    const length = first.usage.prompt_tokens + places.length;
    if (length > MOST_READ_WHOLE) throw tooLongToRead(length, pointer);
    const { follows, or } = read;
    const whole = await readWhole(each, follows);
    const other = or && (await readWhole(each, or));
    return {
      values: [...readLast(whole, follows.ids), ...(other ? readLast(other, or.ids.slice(-1)) : [])],
      ...tokensOf([first, whole, ...(other ? [other] : [])]),
      ...prompt,
    };
  }

  /** Reads all tokens of a text in one query, which computes the complete prompt. */
  async function readWhole(each: Query, text: ReadText['follows']): Promise<Completion> {
    const whole = await ask(each, { read: { last: text.ids }, start: text, data: 'none' });
    if (check.continues(each, text, whole)) return whole;
    throw textNotContinued(pointer);
  }

  return readText;
}

function textNotContinued(pointer: string): ProblemError {
  const detail =
    'The model’s tokenizer makes other tokens of the instruction in the complete prompt than after the text before it. Send other words.';
  return new ProblemError('invalid-request', detail, { pointer });
}

/**
 * Most tokens of a prompt whose own log probabilities are read. It computes one number for each of them and each token of the
 * vocabulary at once, 2 GB for 2,048 of them with Qwen3's, and does not reserve memory for that when it starts.
 */
const MOST_READ_WHOLE = 2048;

function tooLongToRead(length: number, pointer: string): ProblemError {
  const detail = `The model’s tokenizer splits a character of the instruction into several tokens, as it does with many emoji. Their log probabilities can be read up to a prompt of ${MOST_READ_WHOLE} tokens; this one has ${length}. Send an instruction without such characters, or a shorter episode.`;
  return new ProblemError('invalid-request', detail, { pointer, limit: MOST_READ_WHOLE });
}
