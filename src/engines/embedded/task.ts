import { mapAll, type NonEmpty } from '../../plan/non-empty.ts';
import { idsToRead } from '../../plan/plan.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { BlockTokens, PromptTokens } from './prompt-tokens.ts';

/** One block: its token ids, and its two frames as raw frame numbers. The pixels are sent after the task. */
export interface BlockTask {
  ids: number[];
  /** raw frame numbers */
  frames: Readonly<NonEmpty<number>>;
  /** true if the pixels of all frames will arrive; false if the caller only named one, so that the block must be cached */
  isHere: boolean;
}

/**
 * The cache lacks a block whose frames the caller only named. `known` counts the cached shared blocks, from the first
 * on.
 */
export class BlocksUnknown extends Error {
  readonly known: number;

  constructor(known: number) {
    super(`Only the first ${known} blocks are cached.`);
    this.known = known;
  }
}

/** One query. */
export interface QueryTask {
  /** index in the plan's queries */
  query: number;
  /** how many of the shared blocks its prompt contains */
  sees: number;
  /** its own blocks, after the shared ones */
  own: BlockTask[];
  /** token ids of the prompt text after the last block */
  text: number[];
  /** ids of the tokens whose log probability is read after each of the last tokens of the text: the last list after the last token */
  answers: NonEmpty<number[]>;
  /** how many of the most likely next tokens are read after the last token, too */
  top: number;
}

/** One episode in the form that the model thread receives. */
export interface Task {
  tenant: string;
  /** blocks that the queries share, in order */
  blocks: BlockTask[];
  /** queries, the longest first */
  queries: NonEmpty<QueryTask>;
  /**
   * A further token that is read with every query. If it is as likely as the answers, the model is not loaded correctly.
   */
  checkToken: number;
  /** number of tokens for which the model has a probability */
  vocabulary: number;
}

/** A token and its log probability, in nats. */
export interface LikelyToken {
  id: number;
  logProb: number;
}

/** The result of one query. */
export interface Answer {
  /** index in the plan's queries */
  query: number;
  /** for each list of answers of the query their log probabilities, then that of the task's `checkToken`: natural logarithms, at most 0 */
  logProbs: number[][];
  /** the most likely next tokens, the most likely one first; absent if the query reads none */
  top?: LikelyToken[];
  promptTokens: number;
  cachedTokens: number;
}

/**
 * Makes the task of an episode for the model thread.
 * @param tenant owner of the episode
 * @param isHere tells whether the pixels of a frame will arrive
 * @throws Error if a query's own block lacks a frame
 */
export function taskOf(
  tenant: string,
  { blocks, queries }: PromptTokens,
  isHere: (frame: number) => boolean,
  { answer, grid, vocabulary }: Checkpoint,
): Task {
  const block = ({ block: { frames }, ids }: BlockTokens): BlockTask => ({ ids, frames, isHere: frames.every(isHere) });
  return {
    tenant,
    blocks: blocks.map(block),
    queries: mapAll(queries, ({ query: { shows, read }, own: blocks, text }, place) => {
      const own = blocks.map(block);
      if (!own.every(({ isHere }) => isHere)) throw new Error('A block of one query lacks the pixels of its frames.');
      const query = { query: place, sees: shows, own, text };
      if ('follows' in read) return { ...query, answers: idsToRead(read), top: 0 };
      const ids = read.answers.flat().map((each) => (typeof each === 'number' ? each : answer(each).id));
      return { ...query, answers: [ids], top: read.top ?? 0 };
    }),
    checkToken: grid.token,
    vocabulary,
  };
}
