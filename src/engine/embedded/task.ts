import type { Frames } from '../../frames/frames.ts';
import type { Block } from '../../plan/plan.ts';
import type { ScoreRequest } from '../engine.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { PromptTokens } from './prompt-tokens.ts';

/** One block: its token ids, and its two frames as raw frame numbers. The pixels are sent after the task. */
export interface BlockTask {
  ids: number[];
  first: number;
  second: number;
  /**
   * true if the pixels of both frames will arrive; false if the caller only named one, so that the block must be cached
   */
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
export interface QuestionTask {
  /** index in the plan's queries */
  query: number;
  /** how many of the shared blocks its prompt contains */
  sees: number;
  /** the block that only this query has, if its last frame is doubled */
  own: BlockTask | null;
}

/** One episode in the form that the model thread receives. */
export interface Task {
  tenant: string;
  /** blocks that the queries share, in order */
  blocks: BlockTask[];
  /** queries, the longest first */
  questions: QuestionTask[];
  /** token ids of the prompt text after the last block */
  question: number[];
  /**
   * ids of the tokens whose log probability is read: True, False, and a third one. If all three are equally likely, the
   * model is not loaded correctly.
   */
  answers: number[];
}

/** The result of one query. */
export interface Answer {
  /** index in the plan's queries */
  query: number;
  /** log probability of each token in `answers` of the task: natural logarithms, at most 0 */
  logProbs: number[];
  promptTokens: number;
  cachedTokens: number;
}

/** The parts of a score request that a task is made from. */
export type TaskRequest = Pick<ScoreRequest, 'plan' | 'tenant'> & { frames: Pick<Frames, 'size'> };

/**
 * Makes the task of an episode for the model thread.
 * @param isHere tells whether the pixels of a frame will arrive
 * @throws Error if a doubled block lacks its frame
 */
export function taskOf(
  { plan, tenant }: TaskRequest,
  tokens: PromptTokens,
  isHere: (frame: number) => boolean,
  { answers, grid }: Checkpoint,
): Task {
  const block = ({ first, second }: Block, ids: number[]): BlockTask => ({
    ids,
    first,
    second,
    isHere: isHere(first) && isHere(second),
  });
  const asked = answers[plan.prompt];
  return {
    tenant,
    blocks: plan.blocks.map((each, place) => block(each, tokens.blocks[place] as number[])),
    questions: plan.queries.map(({ shows, own }, place) => {
      const doubled = own && block(own, tokens.doubled[place] as number[]);
      if (doubled && !doubled.isHere) throw new Error('A doubled block lacks the pixels of its frame.');
      return { query: place, sees: shows, own: doubled };
    }),
    question: tokens.question,
    answers: [asked.true.id, asked.false.id, grid.token],
  };
}
