import { isMarkup } from '../markup.ts';
import { TOKENS } from './answers.ts';
import { jsonBody, type VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';
import type { Probed } from './probe.ts';

/** Texts whose tokens are remembered: an episode that grows brings the same one with every step. */
const REMEMBERED = 1000;

/** Finds the text of a control token in what a caller wrote. */
export type FindControlToken = (text: string, probed: Probed, signal: AbortSignal) => Promise<string | undefined>;

/**
 * Lets the served model's own tokenizer say which tokens it makes of a text. Only a text with both brackets is sent, and only
 * once.
 * @returns a function that throws EngineFault, or the signal's reason
 */
export function controlTokenFinder(client: VllmClient): FindControlToken {
  // Another model may have another tokenizer: what is remembered goes with the probe's result.
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
 * The first control token in a text, as the model's tokenizer cuts it. After a broken connection it is asked once more.
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
  throw new EngineFault('unusable', 'POST /tokenize does not name the tokens of a text (return_token_strs).');
}
