import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { NonEmpty } from './non-empty.ts';

/** Sampled frames that the model receives together: raw frame numbers, and their time as it is in the prompt. */
export interface Block {
  first: number;
  second: number;
  time: string;
}

/** What a query reads: the log probability, after its prompt, that the next token is one of a set of tokens. */
export interface Read {
  /** Texts of the tokens, by set. Each text is one token of the model's vocabulary. */
  answers: readonly Readonly<NonEmpty<string>>[];
  /** How many of the most likely next tokens are read, too. Absent: none. */
  top?: number;
}

/** A `Read` of two sets: the tokens that mean True, then those that mean False. */
export interface TrueAndFalse extends Read {
  answers: readonly [Readonly<NonEmpty<string>>, Readonly<NonEmpty<string>>];
}

/**
 * One query to the engine. Its prompt has the first blocks of the plan, and possibly a block of its own that no other query has.
 * The text follows the blocks.
 */
export interface Query {
  /** number of blocks of the plan, from the first on */
  shows: number;
  /** block of its own, after the shared ones; null if it has none */
  own: Block | null;
  /** number of sampled frames */
  framesUsed: number;
  /** prompt text after the last block, before the end of the turn */
  text: string;
  read: Read;
}

/** All queries to the engine about one episode. Each block is stored once, however many queries have it. */
export interface EpisodePlan {
  prompt: PromptVariant;
  /** raw frame numbers, increasing */
  sampledFrames: number[];
  /** complete blocks, in order */
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
}

/** The blocks of a query, in order. */
export function blocksOf(
  { blocks }: Pick<EpisodePlan, 'blocks'>,
  { shows, own }: Pick<Query, 'shows' | 'own'>,
): Block[] {
  const shared = blocks.slice(0, shows);
  return own ? [...shared, own] : shared;
}

/** Number of blocks of a query. */
export function countBlocks({ shows, own }: Pick<Query, 'shows' | 'own'>): number {
  return own ? shows + 1 : shows;
}

/** Frame numbers of the blocks that only one query has. */
export function ownFrames({ queries }: Pick<EpisodePlan, 'queries'>): number[] {
  return queries.flatMap(({ own }) => own?.first ?? []);
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
