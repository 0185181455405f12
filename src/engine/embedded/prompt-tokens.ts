import type { Block, EpisodePlan } from '../../plan/plan.ts';
import { blockText, closingText, OPENING } from '../../plan/prompt.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Token ids of an episode's prompts, split where prompts can differ: before each block, and after the last block. */
export interface PromptTokens {
  /** token ids of each block of two frames, in order; all prefixes share these blocks */
  blocks: number[][];
  /** per query: token ids of the block that only this query has, if its last frame is doubled */
  doubled: (number[] | null)[];
  /** token ids of the text after the last block, the same for every prefix */
  question: number[];
}

/**
 * Tokenizes every prompt of a plan. Joined, the parts are the tokens of the reference's prompt, with one pad token for
 * each video token of a block.
 */
export function promptTokens(
  { blocks, queries, instruction, prompt }: EpisodePlan,
  checkpoint: Checkpoint,
): PromptTokens {
  // No special token separates the opening of the turn from the first block's time, so both are tokenized as one text.
  const tokens = ({ time }: Block, place: number) => blockTokens(time, checkpoint, place === 0 ? OPENING : '');
  return {
    blocks: blocks.map(tokens),
    doubled: queries.map(({ shows, own }) => own && tokens(own, shows)),
    question: checkpoint.encode(closingText(instruction, prompt)),
  };
}

/** How many blocks' tokens are remembered: every step of a growing episode has the same blocks again. */
const REMEMBERED = 4096;
const remembered = new WeakMap<Checkpoint, Map<string, number[]>>();

/**
 * Tokenizes one block.
 * @param time in seconds with one decimal, such as "0.2"
 * @param before text directly before the block, with no special token in between
 */
export function blockTokens(time: string, checkpoint: Checkpoint, before = ''): number[] {
  const { encode, grid } = checkpoint;
  const text = `${before}${blockText(time, 'reference')}`;
  const texts = remembered.get(checkpoint) ?? new Map<string, number[]>();
  remembered.set(checkpoint, texts);
  const known = texts.get(text);
  if (known) return known;
  const pads = Array<number>(grid.rows * grid.columns).fill(grid.token);
  const ids = encode(text).flatMap((id) => (id === grid.token ? pads : id));
  if (texts.size >= REMEMBERED) texts.clear();
  texts.set(text, ids);
  return ids;
}
