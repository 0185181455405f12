import type { Token } from '../../../schemas/reward.ts';
import { isMarkup } from '../../engine/markup.ts';
import { mapAll, type NonEmpty } from '../../plan/non-empty.ts';
import type { Read } from '../../plan/plan.ts';
import { TOKENS } from './answers.ts';
import { jsonBody, type VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';

/** Tokens of a model by their text. A probe starts it; other texts are added when a query first reads them. */
export type TokensByText = Map<string, Token>;

/** Asks the model's tokenizer for the token ids of a text. */
export async function tokenize(
  text: string,
  client: VllmClient,
  model: string,
  signal: AbortSignal,
): Promise<number[]> {
  const body = jsonBody({ model, prompt: text, add_special_tokens: false });
  return (await client.post('/tokenize', body, TOKENS, signal)).tokens;
}

/** Where tokens are requested, and those that are known already. */
interface TokenSource {
  client: VllmClient;
  model: string;
  known: TokensByText;
  signal: AbortSignal;
}

/**
 * Finds the token of a text.
 * @throws EngineFault refused, if the text is not one token of the model's vocabulary
 */
export async function tokenOf(text: string, { client, model, known, signal }: TokenSource): Promise<Token> {
  const found = known.get(text);
  if (found) return found;
  const ids = await tokenize(text, client, model, signal);
  const [id, ...more] = ids;
  if (id === undefined || more.length > 0) {
    const fault = `The model's tokenizer makes ${ids.length} tokens of "${text}", but must make one. Serve a model of the Qwen3-VL family.`;
    throw new EngineFault('refused', fault);
  }
  const token = { text, id };
  known.set(text, token);
  return token;
}

/**
 * Finds the tokens of one set of answers.
 * @throws EngineFault refused, if a text is not one token of the model's vocabulary
 */
export async function answerTokens(set: Read['answers'][number], source: TokenSource): Promise<NonEmpty<Token>> {
  return Promise.all(mapAll(set, (text) => tokenOf(text, source)));
}

/**
 * Sends a text to the model's tokenizer and returns the first control token in it. Retries once after a broken
 * connection.
 * @returns undefined if the text has none
 * @throws EngineFault, or the signal's reason
 */
export async function controlTokenIn(
  text: string,
  client: VllmClient,
  model: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const body = jsonBody({ model, prompt: text, add_special_tokens: false, return_token_strs: true });
  const ask = () => client.post('/tokenize', body, TOKENS, signal);
  const { tokens, token_strs: names } = await ask().catch((error) => {
    if (error instanceof EngineFault && error.kind === 'unreachable') return ask();
    throw error;
  });
  if (names?.length === tokens.length) return names.find(isMarkup);
  throw new EngineFault('unusable', 'The response to POST /tokenize lacks the token texts (return_token_strs).');
}
