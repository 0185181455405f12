import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import type { AnswerStart } from './answer-steps.ts';
import { mapAll, type NonEmpty } from './non-empty.ts';

/** Sampled frames that the model receives together: raw frame numbers, and their time as it is in the prompt. */
export interface Block {
  frames: Readonly<NonEmpty<number>>;
  /** in seconds, such as "0.2" */
  time: string;
}

/** What a query reads after its prompt: the next token, or each token of a text that follows. */
export type Read = ReadNext | ReadText;

/** Reads the log probability that the next token is one of a set of tokens. */
export interface ReadNext {
  /** The tokens, by set: each as a text that is one token of the model's vocabulary, or by its id. */
  answers: readonly Readonly<NonEmpty<string | number>>[];
  /** Tokens of an answer that follow the prompt. Absent: none. */
  start?: AnswerStart;
  /** How many of the most likely next tokens are read, too. Absent: none. */
  top?: number;
}

/** Reads the log probability of each token of a text that follows the prompt, each after those before it. */
export interface ReadText {
  follows: FollowingText;
  /**
   * A text that differs from it in its last token only. That token is read in the same place, after all tokens of the first text. Absent:
   * none.
   */
  or?: FollowingText;
}

/** A text that follows the prompt, and its tokens. */
interface FollowingText {
  text: string;
  ids: NonEmpty<number>;
}

/** A `Read` of two sets: the tokens that mean True, then those that mean False. */
export interface TrueAndFalse extends ReadNext {
  answers: readonly [Readonly<NonEmpty<string>>, Readonly<NonEmpty<string>>];
}

/**
 * How frames are resized. `pillow-bicubic`: by Pillow's bicubic filter, in one step. `published`: in the steps of the authors'
 * first release. `gvl`: in the steps of the authors' GVL.
 */
export type Resampling = 'pillow-bicubic' | 'published' | 'gvl';

/** How the frames of some queries are resized. */
export interface FrameGroup {
  size: FrameSize;
  resampling: Resampling;
  /** raw frame numbers, each once */
  frames: number[];
}

/**
 * One query to the engine. Its prompt has the first blocks of the plan, then blocks of its own that other queries need not have.
 * The text follows the blocks.
 */
export interface Query {
  /** number of blocks of the plan, from the first on */
  shows: number;
  /** blocks of its own, after the shared ones */
  own: Block[];
  /** index of the plan's frameGroup with its frames */
  frameGroup: number;
  /** number of sampled frames */
  framesUsed: number;
  /** prompt text after the last block, before the end of the turn */
  text: string;
  read: Read;
}

/** All queries to the engine about one episode. Each block is stored once, however many queries have it. */
export interface EpisodePlan {
  prompt: PromptVariant;
  /** frames of the longest query: raw frame numbers, each once, in the order of its prompt */
  sampledFrames: number[];
  /** Every frame that a query has, once for each size. The longest query has the first. */
  frameGroups: NonEmpty<FrameGroup>;
  /** complete blocks that queries share, in order */
  blocks: Block[];
  /** Distinct queries, the longest first. */
  queries: NonEmpty<Query>;
  /** The requested prefixes, in order. */
  prefixes: NonEmpty<PlannedPrefix>;
}

/** A requested prefix. */
export interface PlannedPrefix {
  /** in raw frames */
  length: number;
  /** number of sampled frames in it */
  framesUsed: number;
  /** index of its query */
  query: number;
  /** Indices of its further queries, which only prefixes with the same `query` have, too. Absent: none. */
  further?: number[];
}

/** Indices of all queries of a prefix, in the order of their steps. */
export function queriesOf({ query, further = [] }: PlannedPrefix): NonEmpty<number> {
  return [query, ...further];
}

/** The ids that are read after the tokens of a text before each place: one id, and in the last place that of the other text, too. */
export function idsToRead({ follows: { ids }, or }: ReadText): NonEmpty<NonEmpty<number>> {
  const other = or?.ids.at(-1);
  return mapAll(ids, (id, place) => (place === ids.length - 1 && other !== undefined ? [id, other] : [id]));
}

/** The blocks of a query, in order. */
export function blocksOf(
  { blocks }: Pick<EpisodePlan, 'blocks'>,
  { shows, own }: Pick<Query, 'shows' | 'own'>,
): Block[] {
  return [...blocks.slice(0, shows), ...own];
}

/** Number of blocks of a query. */
export function countBlocks({ shows, own }: Pick<Query, 'shows' | 'own'>): number {
  return shows + own.length;
}

/**
 * Frame numbers of the blocks that are new in most steps of a growing episode: the last block of the longest query, whose first frame may
 * have arrived one step earlier, and blocks that repeat one frame.
 */
export function newestFrames({ blocks, queries }: Pick<EpisodePlan, 'blocks' | 'queries'>): number[] {
  const last = blocksOf({ blocks }, queries[0]).at(-1)?.frames ?? [];
  const all = [...blocks, ...queries.flatMap(({ own }) => own)];
  const repeated = all.flatMap(({ frames: [first, ...others] }) => (others.includes(first) ? [first] : []));
  return [...new Set([...repeated, ...last])];
}

/**
 * The same queries about other frames, at the same times.
 * @param insteadOf returns the frame that replaces a frame
 */
export function showing(plan: EpisodePlan, insteadOf: (frame: number) => number): EpisodePlan {
  const frames = (numbers: number[]) => [...new Set(numbers.map(insteadOf))];
  const block = ({ frames, time }: Block): Block => ({ frames: mapAll(frames, insteadOf), time });
  return {
    ...plan,
    sampledFrames: frames(plan.sampledFrames),
    frameGroups: mapAll(plan.frameGroups, (group) => ({ ...group, frames: frames(group.frames) })),
    blocks: plan.blocks.map(block),
    queries: mapAll(plan.queries, (query) => ({ ...query, own: query.own.map(block) })),
  };
}

/**
 * Counts the sampled frames in a prefix: those with a frame number below its length, at least one.
 * @param schedule increasing raw frame numbers
 * @param length of the prefix in raw frames
 * @param counted how many frames a shorter prefix has: they are not looked at again
 */
export function framesUsed(schedule: number[], length: number, counted = 0): number {
  let used = counted;
  while ((schedule[used] ?? Number.POSITIVE_INFINITY) < length) used += 1;
  return Math.max(1, used);
}
