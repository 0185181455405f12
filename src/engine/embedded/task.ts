import { createHash } from 'node:crypto';
import type { RenderedFrame } from '../../frames/render-worker.ts';
import type { Block, PrefixQuery } from '../../plan/plan.ts';
import type { ScoreRequest } from '../engine.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type PromptTokens, wholeBlocks } from './prompt-tokens.ts';

/** Tokens of one block, and the two frames behind its video tokens (RGB pixels). */
export interface BlockTask {
  ids: number[];
  frames: [Uint8Array, Uint8Array];
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

/** An episode's work for the model's thread. @param frames by raw frame number */
export function taskOf(
  { plan, tenant }: Pick<ScoreRequest, 'plan' | 'tenant'>,
  tokens: PromptTokens,
  frames: ReadonlyMap<number, RenderedFrame>,
  { answers, grid }: Checkpoint,
): Task {
  const block = ({ first, second }: Block, ids: number[]): BlockTask => {
    const [a, b] = [frames.get(first) as RenderedFrame, frames.get(second) as RenderedFrame];
    return { ids, frames: [a.bytes, b.bytes] };
  };
  const shared = wholeBlocks(plan.queries[0] as PrefixQuery);
  const asked = answers[plan.prompt];
  return {
    blocks: shared.map((each, place) => block(each, tokens.blocks[place] as number[])),
    chain: chainOf(tenant, shared, frames),
    questions: plan.queries.map((query, place) => {
      const ids = tokens.doubled[place];
      const own = ids ? block(query.blocks.at(-1) as Block, ids) : null;
      return { query: place, sees: wholeBlocks(query).length, own };
    }),
    question: tokens.question,
    answers: [asked.true.id, asked.false.id, grid.token],
  };
}

/**
 * Names each block by all that its keys and values depend on: its time, its pixels, and the blocks before it. The tenant is
 * at the root: no two share a name.
 */
function chainOf(tenant: string, blocks: Block[], frames: ReadonlyMap<number, RenderedFrame>): string[] {
  let link = JSON.stringify(['tenant', tenant]);
  return blocks.map(({ first, second, time }) => {
    const pixels = [frames.get(first)?.digest, frames.get(second)?.digest];
    link = createHash('sha256')
      .update(JSON.stringify([link, time, ...pixels]))
      .digest('hex');
    return link;
  });
}
