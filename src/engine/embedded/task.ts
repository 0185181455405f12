import { createHash } from 'node:crypto';
import type { Frames, ShownFrame } from '../../frames/frames.ts';
import type { FrameSize } from '../../plan/frame-size.ts';
import type { Block } from '../../plan/plan.ts';
import type { ScoreRequest } from '../engine.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { PromptTokens } from './prompt-tokens.ts';

/** Two frames behind a block's video tokens, as RGB pixels. */
export type FramePair = [Uint8Array, Uint8Array];

/** Tokens of one block, and its frames; null where they are not here and the block must be known. */
export interface BlockTask {
  ids: number[];
  frames: FramePair | null;
}

/** A block whose frames are here. */
export type SeenBlock = BlockTask & { frames: FramePair };

/** The frames of a block are not here, and of the shared blocks only so many, from the first on, are known. */
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
  own: SeenBlock | null;
}

/** One episode as the model's thread gets it. */
export interface Task {
  tenant: string;
  /** what all prefixes share, in order */
  blocks: BlockTask[];
  /** a name for each shared block and all before it, under which its keys and values may be kept */
  chain: string[];
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

/** An episode's work for the model's thread. @param frames by raw frame number */
export function taskOf(
  { plan, tenant, frames: { size: source } }: TaskRequest,
  tokens: PromptTokens,
  frames: ReadonlyMap<number, ShownFrame>,
  { answers, grid }: Checkpoint,
): Task {
  const block = ({ first, second }: Block, ids: number[]): BlockTask => {
    const [a, b] = [frames.get(first)?.bytes, frames.get(second)?.bytes];
    return { ids, frames: a && b ? [a, b] : null };
  };
  const asked = answers[plan.prompt];
  return {
    tenant,
    blocks: plan.blocks.map((each, place) => block(each, tokens.blocks[place] as number[])),
    chain: chainOf({ tenant, source }, plan.blocks, frames),
    questions: plan.queries.map(({ shows, own: doubled }, place) => {
      const own = doubled && block(doubled, tokens.doubled[place] as number[]);
      if (own && !own.frames) throw new Error('The frame of a doubled block is not here.');
      return { query: place, sees: shows, own: own as SeenBlock | null };
    }),
    question: tokens.question,
    answers: [asked.true.id, asked.false.id, grid.token],
  };
}

/**
 * Names each block by all that its keys and values depend on: its time, its frames as uploaded, and the blocks before it. At
 * the root are the frame size, which with the uploads makes the pixels, and the tenant: no two share a name.
 */
function chainOf(
  { tenant, source }: { tenant: string; source: FrameSize },
  blocks: Block[],
  frames: ReadonlyMap<number, ShownFrame>,
): string[] {
  let link = JSON.stringify(['tenant', tenant, source.width, source.height]);
  return blocks.map(({ first, second, time }) => {
    const uploads = [frames.get(first)?.digest, frames.get(second)?.digest];
    link = createHash('sha256')
      .update(JSON.stringify([link, time, ...uploads]))
      .digest('hex');
    return link;
  });
}
