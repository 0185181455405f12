import { type Clock, frameTime } from '../episode/clock.ts';
import { oneDecimal } from '../episode/rounding.ts';
import type { PromptVariant } from './prompt.ts';

/** Two frames that the model sees as one: raw frame numbers, and their mean time as the prompt writes it. */
export interface Block {
  first: number;
  second: number;
  time: string;
}

/**
 * One question to the engine about a prefix. It shows the first so many of the plan's blocks and, where its last frame is
 * odd, that frame twice in a block of its own, which no other query shows.
 */
export interface Query {
  /** blocks of the plan, from the first on */
  shows: number;
  own: Block | null;
  /** sampled frames in all */
  framesUsed: number;
}

/** All that an engine must be asked about one episode. Blocks are held once, whatever number of queries shows them. */
export interface EpisodePlan {
  instruction: string;
  prompt: PromptVariant;
  sampledFrames: number[];
  /** of two frames each, in order */
  blocks: Block[];
  /** Distinct questions, the longest first; at least one. */
  queries: [Query, ...Query[]];
  /** For each prefix asked for, in order: its length in raw frames and the query that answers it. */
  prefixes: { length: number; query: number }[];
}

/** The blocks that a query shows, in order. */
export function blocksOf({ blocks }: EpisodePlan, { shows, own }: Query): Block[] {
  const shared = blocks.slice(0, shows);
  return own ? [...shared, own] : shared;
}

/** How many blocks a query shows. */
export function countBlocks({ shows, own }: Query): number {
  return own ? shows + 1 : shows;
}

/** Frame numbers that a plan shows twice in one block. */
export function doubledFrames({ queries }: EpisodePlan): number[] {
  return queries.flatMap(({ own }) => own?.first ?? []);
}

/**
 * The shortest list of questions that answers every prefix. Prefixes between two scheduled frames show the same frames and
 * share one question. Time and memory grow with the frames and the prefixes, not with their product.
 * @param schedule raw frame numbers that the model is shown, from `sampleSchedule`
 * @param lengths rising prefix lengths in raw frames, at least one
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
 * How many scheduled frames each prefix shows: those with a number below its length, and never none.
 * @param schedule rising raw frame numbers
 * @param lengths rising prefix lengths in raw frames
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
