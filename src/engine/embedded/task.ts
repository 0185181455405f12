import type { Frames } from '../../frames/frames.ts';
import type { Block } from '../../plan/plan.ts';
import type { ScoreRequest } from '../engine.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { PromptTokens } from './prompt-tokens.ts';

/** Tokens of one block, and the two frames behind its video tokens: raw frame numbers. Their pixels follow the task. */
export interface BlockTask {
  ids: number[];
  first: number;
  second: number;
  /** Otherwise the caller has only named a frame of it, and the block must be known. */
  isHere: boolean;
}

/** A block that must be known is not: of the shared blocks only so many are, from the first on. */
export class BlocksUnknown extends Error {
  readonly known: number;

  constructor(known: number) {
    super(`Only ${known} blocks are known.`);
    this.known = known;
  }
}

/** One prefix to ask about. */
export interface QuestionTask {
  /** place in the plan's queries */
  query: number;
  /** how many of the shared blocks it shows */
  sees: number;
  /** the block that it alone shows, if its last frame is doubled */
  own: BlockTask | null;
}

/** One episode as the model's thread gets it. */
export interface Task {
  tenant: string;
  /** what all prefixes share, in order */
  blocks: BlockTask[];
  /** the longest first */
  questions: QuestionTask[];
  /** ids of the question's text */
  question: number[];
  /** ids of the tokens whose log probability is wanted: True, False, and one that tells a model which knows no difference */
  answers: number[];
}

/** What comes back for one question. */
export interface Answer {
  query: number;
  /** natural logs, for each of the answers asked for */
  logProbs: number[];
  promptTokens: number;
  cachedTokens: number;
}

/** What a task is made of, besides frames. */
export type TaskRequest = Pick<ScoreRequest, 'plan' | 'tenant'> & { frames: Pick<Frames, 'size'> };

/** An episode's work for the model's thread. @param isHere whether a frame's pixels will come */
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
      if (doubled && !doubled.isHere) throw new Error('The frame of a doubled block is not here.');
      return { query: place, sees: shows, own: doubled };
    }),
    question: tokens.question,
    answers: [asked.true.id, asked.false.id, grid.token],
  };
}
