import { LRUCache } from 'lru-cache';
import { type TokenSource, tokenize } from './tokenizer.ts';

/** Token ids of the parts of prompts between blocks, by tenant and text. */
export type KnownParts = LRUCache<string, number[]>;

/** Most ids and characters of all parts together: the times of many thousand blocks. */
const MOST = 1024 * 1024;

/** An empty store of parts. */
export function createKnownParts(): KnownParts {
  return new LRUCache<string, number[]>({ maxSize: MOST, sizeCalculation: (ids, text) => ids.length + text.length });
}

/** The token that stands for a block in a prompt, and who asks. */
interface PartSource extends Omit<TokenSource, 'known'> {
  block: { text: string; id: number };
  parts: KnownParts;
  /** No tenant can tell from the time of a response which instructions others send. */
  tenant: string;
}

/**
 * The token ids of a complete prompt as text: one token stands for each run of a block's tokens. That is a control token, so no other
 * token crosses it, and each part between two blocks has the same ids in every prompt. Times repeat in other episodes, and the text after
 * the blocks in each step of a growing one. So most prompts need no request.
 * @throws EngineFault, or the signal's reason
 */
export async function promptIds(
  prompt: string,
  { block, parts, tenant, client, model, signal }: PartSource,
): Promise<number[]> {
  const texts = prompt.split(block.text).map((text) => `${tenant}\0${text}`);
  const known = texts.map((text) => parts.get(text));
  if (known.every((ids) => ids !== undefined)) return joinedBy(block.id, known);
  const ids = await tokenize(prompt, client, model, signal);
  const cut = cutAt(block.id, ids);
  if (cut.length === texts.length) for (const [i, text] of texts.entries()) parts.set(text, cut[i] ?? []);
  return ids;
}

function joinedBy(id: number, parts: number[][]): number[] {
  return parts.flatMap((ids, i) => (i === 0 ? ids : [id, ...ids]));
}

function cutAt(id: number, ids: number[]): number[][] {
  const parts: number[][] = [];
  let start = 0;
  for (const [at, each] of ids.entries()) {
    if (each !== id) continue;
    parts.push(ids.slice(start, at));
    start = at + 1;
  }
  return [...parts, ids.slice(start)];
}
