import { LRUCache } from 'lru-cache';
import type { Poster } from './in-turn.ts';
import type { Probed } from './probe.ts';
import { controlTokenIn } from './tokenizer.ts';

/** How many results are remembered. Every step of a growing episode has the same instruction. */
const REMEMBERED = 1000;

/** Finds the first control token in a caller's text. */
type ControlTokenFinder = (
  text: string,
  probed: Probed,
  source: { client: Poster; signal: AbortSignal },
) => Promise<string | undefined>;

/**
 * Uses the served model's own tokenizer to find control tokens. Only a text with two brackets is sent, and only
 * once.
 * @returns a function that throws EngineFault, or the signal's reason
 */
export function controlTokenFinder(): ControlTokenFinder {
  // Another model may have another tokenizer, so results are stored per probe.
  const remembered = new WeakMap<Probed, LRUCache<string, { token: string | undefined }>>();
  return async (text, probed, { client, signal }) => {
    if (!hasPair(text, '<', '>') && !hasPair(text, '[', ']')) return undefined;
    const texts = remembered.get(probed) ?? new LRUCache<string, { token: string | undefined }>({ max: REMEMBERED });
    remembered.set(probed, texts);
    const known = texts.get(text);
    if (known) return known.token;
    const token = await controlTokenIn(text, client, probed.served.model, signal);
    texts.set(text, { token });
    return token;
  };
}

/** Whether one character is before the other one somewhere. A regular expression would need a time that grows with the square of the length. */
function hasPair(text: string, open: string, close: string): boolean {
  const first = text.indexOf(open);
  return first >= 0 && text.lastIndexOf(close) > first;
}
