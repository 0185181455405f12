import { type Clock, frameTime } from '../episode/clock.ts';
import { oneDecimal } from '../episode/rounding.ts';
import type { PromptVariant } from './prompt.ts';

/** Two sampled frames that the model receives together: raw frame numbers, and their mean time as it is in the prompt. */
export interface Block {
  first: number;
  second: number;
  time: string;
}

/**
 * One query to the engine about a prefix. It has the first blocks of the plan. If its number of frames is odd, it also has a
 * block of its own, which repeats the last frame. No other query has this block.
 */
export interface Query {
  /** number of blocks of the plan, from the first on */
  shows: number;
  /** block that repeats the last frame; null if the number of frames is even */
  own: Block | null;
  /** number of sampled frames */
  framesUsed: number;
}

/** All queries to the engine about one episode. Each block is stored once, however many queries have it. */
export interface EpisodePlan {
  instruction: string;
  prompt: PromptVariant;
  /** raw frame numbers, increasing */
  sampledFrames: number[];
  /** blocks of two frames each, in order */
  blocks: Block[];
  /** Distinct queries, the longest first; at least one. */
  queries: [Query, ...Query[]];
  /** For each requested prefix, in order: its length in raw frames, and the index of its query. */
  prefixes: { length: number; query: number }[];
}

/** The blocks of a query, in order. */
export function blocksOf({ blocks }: EpisodePlan, { shows, own }: Query): Block[] {
  const shared = blocks.slice(0, shows);
  return own ? [...shared, own] : shared;
}

/** Number of blocks of a query. */
export function countBlocks({ shows, own }: Query): number {
  return own ? shows + 1 : shows;
}

/** Frame numbers that a plan repeats in one block. */
export function doubledFrames({ queries }: EpisodePlan): number[] {
  return queries.flatMap(({ own }) => own?.first ?? []);
}

/**
 * Plans the fewest queries that score every prefix. Prefixes with the same sampled frames share one query. Time and memory grow
 * with the number of frames plus the number of prefixes, not with their product.
 * @param schedule raw frame numbers of the sampled frames, from `sampleSchedule`
 * @param lengths increasing prefix lengths in raw frames, at least one
 */
export function planEpisode(
  { instruction, prompt, clock }: { instruction: string; prompt: PromptVariant; clock: Clock },
  schedule: number[],
  lengths: number[],
): EpisodePlan {
  const used = framesShown(schedule, lengths);
  const distinct = [...new Set(used)].reverse();
  const sampledFrames = schedule.slice(0, distinct[0]);
  const blocks = pairs(sampledFrames).map(([first, second]) => block(first, second, clock));
  const queries = distinct.map((framesUsed): Query => {
    const odd = framesUsed % 2 === 1 ? (schedule[framesUsed - 1] as number) : null;
    const own = odd === null ? null : block(odd, odd, clock);
    return { shows: Math.floor(framesUsed / 2), own, framesUsed };
  });
  const places = new Map(distinct.map((framesUsed, place) => [framesUsed, place]));
  const prefixes = lengths.map((length, i) => ({ length, query: places.get(used[i] as number) as number }));
  return { instruction, prompt, sampledFrames, blocks, queries: queries as [Query, ...Query[]], prefixes };
}

/**
 * Number of sampled frames in each prefix: those with a frame number below its length, at least one.
 * @param schedule increasing raw frame numbers
 * @param lengths increasing prefix lengths in raw frames
 */
export function framesShown(schedule: number[], lengths: number[]): number[] {
  let shown = 0;
  return lengths.map((length) => {
    while (shown < schedule.length && (schedule[shown] as number) < length) shown += 1;
    return Math.max(1, shown);
  });
}

function block(first: number, second: number, clock: Clock): Block {
  return { first, second, time: oneDecimal((frameTime(clock, first) + frameTime(clock, second)) / 2) };
}

function pairs(frames: number[]): [number, number][] {
  return Array.from({ length: Math.floor(frames.length / 2) }, (_, i) => [
    frames[2 * i] as number,
    frames[2 * i + 1] as number,
  ]);
}
