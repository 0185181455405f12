import type { Block, EpisodePlan } from '../../plan/plan.ts';
import { blockText, closingText, OPENING } from '../../plan/prompt.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Token ids of an episode's prompts, cut where prefixes part: before each block, and before the question. */
export interface PromptTokens {
  /** of the blocks of two frames, in order: what all prefixes share */
  blocks: number[][];
  /** of the block that only this query has, for each query whose last frame is doubled */
  doubled: (number[] | null)[];
  /** what follows the last block, the same in every prefix */
  question: number[];
}

/** The tokens of every prompt of a plan; put together, those of the reference's text with each block's pads spelled out. */
export function promptTokens(
  { blocks, queries, instruction, prompt }: EpisodePlan,
  checkpoint: Checkpoint,
): PromptTokens {
  // The first block's time stands in one piece of text with the turn's opening, and is tokenized with it.
  const tokens = ({ time }: Block, place: number) => blockTokens(time, checkpoint, place === 0 ? OPENING : '');
  return {
    blocks: blocks.map(tokens),
    doubled: queries.map(({ shows, own }) => own && tokens(own, shows)),
    question: checkpoint.encode(closingText(instruction, prompt)),
  };
}

/** Blocks whose tokens are remembered: those of a growing episode are the same in every step. */
const REMEMBERED = 4096;
const remembered = new WeakMap<Checkpoint, Map<string, number[]>>();

/** Token ids of one block. @param before text that it follows without a special token between */
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
