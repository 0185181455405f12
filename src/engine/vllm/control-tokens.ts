import { isMarkup } from '../markup.ts';
import { TOKENS } from './answers.ts';
import { jsonBody, type VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';
import type { Probed } from './probe.ts';

/** How many results are remembered. Every step of a growing episode has the same instruction. */
const REMEMBERED = 1000;

/** Finds the first control token in a caller's text. */
export type FindControlToken = (text: string, probed: Probed, signal: AbortSignal) => Promise<string | undefined>;

/**
 * Uses the served model's own tokenizer to find control tokens. Only a text with both angle brackets is sent, and only
 * once.
 * @returns a function that throws EngineFault, or the signal's reason
 */
export function controlTokenFinder(client: VllmClient): FindControlToken {
  // Another model may have another tokenizer, so results are stored per probe.
  const remembered = new WeakMap<Probed, Map<string, string | undefined>>();
  return async (text, probed, signal) => {
    if (!/<.*>/s.test(text)) return undefined;
    const texts = remembered.get(probed) ?? new Map<string, string | undefined>();
    remembered.set(probed, texts);
    if (texts.has(text)) return texts.get(text);
    const found = await controlTokenIn(text, client, probed.description.model, signal);
    if (texts.size >= REMEMBERED) texts.clear();
    texts.set(text, found);
    return found;
  };
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
