import { LRUCache } from 'lru-cache';
import { QWEN3_VL } from '../../families/qwen3-vl/family.ts';
import { mapAll, type NonEmpty } from '../../plan/non-empty.ts';
import type { Block, EpisodePlan, Query, Read } from '../../plan/plan.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Token ids of an episode's prompts, split where prompts can differ: before each block, and after the last block. */
export interface PromptTokens {
  /** the blocks of two frames, in order; all prefixes share these blocks */
  blocks: BlockTokens[];
  /** the queries of the plan, in its order */
  queries: NonEmpty<QueryTokens>;
}

/** A block, and its token ids. */
export interface BlockTokens {
  block: Block;
  ids: number[];
}

/** A query of the plan, and the token ids that only it has. */
interface QueryTokens {
  query: Query;
  /** its own blocks, after the shared ones */
  own: BlockTokens[];
  /**
   * token ids of the text after its last block, and of the tokens after it that the model is given; queries with the same text share a
   * list
   */
  text: number[];
}

/**
 * Tokenizes every prompt of a plan. Joined, the parts are the tokens of the reference's prompt, with one pad token for
 * each video token of a block.
 */
export function promptTokens({ blocks, queries, prompt }: EpisodePlan, checkpoint: Checkpoint): PromptTokens {
  // No special token separates the opening of the turn from the first block's time, so both are tokenized as one text.
  const tokens = (block: Block, place: number): BlockTokens => ({
    block,
    ids: blockTokens(block.time, checkpoint, place === 0 ? QWEN3_VL.opening() : ''),
  });
  // Most methods ask every prefix the same: each text is tokenized once.
  const texts = new Map<string, number[]>();
  const textTokens = (text: string): number[] => {
    const ids = texts.get(text) ?? checkpoint.encode(`${text}${QWEN3_VL.turnEnd(prompt)}`);
    texts.set(text, ids);
    return ids;
  };
  return {
    blocks: blocks.map(tokens),
    queries: mapAll(queries, (query) => ({
      query,
      own: query.own.map((block, place) => tokens(block, query.shows + place)),
      text: withGiven(textTokens(query.text), query.read),
    })),
  };
}

/** Adds the tokens that follow the prompt: the start of an answer, or all tokens of a text but the last, after which nothing is read. */
function withGiven(text: number[], read: Read): number[] {
  if ('follows' in read) return [...text, ...read.follows.ids.slice(0, -1)];
  return read.start ? [...text, ...read.start.ids] : text;
}

/** How many blocks' tokens are remembered: every step of a growing episode has the same blocks again. */
const REMEMBERED = 4096;
const remembered = new WeakMap<Checkpoint, LRUCache<string, number[]>>();

/**
 * Tokenizes one block.
 * @param time in seconds with one decimal, such as "0.2"
 * @param before text directly before the block, with no special token in between
 */
export function blockTokens(time: string, checkpoint: Checkpoint, before = ''): number[] {
  const { encode, grid } = checkpoint;
  const text = `${before}${QWEN3_VL.blockText(time, 'reference')}`;
  const texts = remembered.get(checkpoint) ?? new LRUCache<string, number[]>({ max: REMEMBERED });
  remembered.set(checkpoint, texts);
  const known = texts.get(text);
  if (known) return known;
  const pads = Array<number>(grid.rows * grid.columns).fill(grid.token);
  const ids = encode(text).flatMap((id) => (id === grid.token ? pads : id));
  texts.set(text, ids);
  return ids;
}
