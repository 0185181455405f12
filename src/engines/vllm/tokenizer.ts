import { LRUCache } from 'lru-cache';
import type { Token } from '../../../schemas/reward.ts';
import { isMarkup } from '../../engine/markup.ts';
import { mapAll, type NonEmpty } from '../../plan/non-empty.ts';
import type { ReadNext } from '../../plan/plan.ts';
import { jsonBody } from './client.ts';
import { EngineFault } from './faults.ts';
import type { Poster } from './in-turn.ts';
import { TEXT, TOKENS } from './responses.ts';

/** Token ids of texts. A probe starts it; texts of callers are added when they are first read. */
export type TokensByText = LRUCache<string, number[]>;

/** How many texts are remembered. Every prefix of every episode reads the same few answers. */
const REMEMBERED = 4096;

/** Most token ids of all remembered texts: 64 for each. Texts of callers have at most 64 characters, which are seldom more tokens. */
const MOST_IDS = 64 * REMEMBERED;

/** An empty store of token ids. */
export function createTokensByText(): TokensByText {
  return new LRUCache<string, number[]>({
    max: REMEMBERED,
    maxSize: MOST_IDS,
    sizeCalculation: ({ length }) => Math.max(1, length),
  });
}

/**
 * Asks the model's tokenizer for the token ids of a text. In a complete prompt, one token stands for each run of video or image tokens.
 * @throws EngineFault, or the signal's reason
 */
export async function tokenize(text: string, client: Poster, model: string, signal: AbortSignal): Promise<number[]> {
  const body = jsonBody({ model, prompt: text, add_special_tokens: false });
  return (await client.post('/tokenize', body, TOKENS, signal)).tokens;
}

/** Where tokens are requested, and those that are known already. */
export interface TokenSource {
  client: Poster;
  model: string;
  known: TokensByText;
  signal: AbortSignal;
}

/** Texts of tokens, by the ids joined with commas. */
export type TextsByTokens = LRUCache<string, string>;

/** Where texts of tokens are requested, and those that are known already. */
export interface TextSource extends Omit<TokenSource, 'known'> {
  texts: TextsByTokens;
}

/** An empty store of texts. */
export function createTextsByTokens(): TextsByTokens {
  return new LRUCache<string, string>({ max: REMEMBERED });
}

/**
 * The text of some tokens, or remembers it. Bytes that are not valid UTF-8 on their own become U+FFFD.
 * @throws EngineFault, or the signal's reason
 */
export async function textOf(ids: readonly number[], { client, model, texts, signal }: TextSource): Promise<string> {
  const ask = async () => (await client.post('/detokenize', jsonBody({ model, tokens: ids }), TEXT, signal)).prompt;
  const text = texts.get(ids.join()) ?? (await ask());
  texts.set(ids.join(), text);
  return text;
}

/**
 * Tokenizes a text, or remembers its tokens.
 * @throws EngineFault, or the signal's reason
 */
export async function tokenIdsOf(text: string, { client, model, known, signal }: TokenSource): Promise<number[]> {
  const ids = known.get(text) ?? (await tokenize(text, client, model, signal));
  known.set(text, ids);
  return ids;
}

/**
 * Finds the token of a text.
 * @throws EngineFault refused, if the text is not one token of the model's vocabulary
 */
async function tokenOf(text: string, source: TokenSource): Promise<Token> {
  const ids = await tokenIdsOf(text, source);
  const [id, ...more] = ids;
  if (id === undefined || more.length > 0) {
    const fault = `The model's tokenizer makes ${ids.length} tokens of "${text}", but must make one.`;
    throw new EngineFault('refused', fault);
  }
  return { text, id };
}

/**
 * Finds the tokens of one set of answers.
 * @throws EngineFault refused, if a text is not one token of the model's vocabulary
 */
export async function answerTokens(set: Readonly<NonEmpty<string>>, source: TokenSource): Promise<NonEmpty<Token>> {
  return Promise.all(mapAll(set, (text) => tokenOf(text, source)));
}

/**
 * Finds the ids of the tokens that a query reads, by set.
 * @throws EngineFault refused, if a text is not one token of the model's vocabulary
 */
export async function answerIds({ answers }: ReadNext, source: TokenSource): Promise<number[][]> {
  const idOf = async (each: string | number) => (typeof each === 'number' ? each : (await tokenOf(each, source)).id);
  return Promise.all(answers.map((set) => Promise.all(set.map(idOf))));
}

/**
 * Sends a text to the model's tokenizer and returns the first control token in it.
 * @returns undefined if the text has none
 * @throws EngineFault, or the signal's reason
 */
export async function controlTokenIn(
  text: string,
  client: Poster,
  model: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const body = jsonBody({ model, prompt: text, add_special_tokens: false, return_token_strs: true });
  const { tokens, token_strs: names } = await client.post('/tokenize', body, TOKENS, signal);
  if (names?.length === tokens.length) return names.find(isMarkup);
  throw new EngineFault('unusable', 'The response to POST /tokenize lacks the token texts (return_token_strs).');
}
