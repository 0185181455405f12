import { type Clock, frameTime } from '../episode/clock.ts';
import { oneDecimal } from '../episode/rounding.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import type { PromptVariant } from './prompt.ts';

/** Two frames that the model sees as one: raw frame numbers, and their mean time as the prompt writes it. */
export interface Block {
  first: number;
  second: number;
  time: string;
}

/** Whether a block shows its frame twice: the odd last one of a prefix, which no longer prefix shows so. */
export function isDoubled({ first, second }: Block): boolean {
  return first === second;
}

/** Frame numbers of a plan's doubled blocks. */
export function doubledFrames({ queries }: EpisodePlan): number[] {
  return queries.map(({ blocks }) => blocks.at(-1) as Block).flatMap((last) => (isDoubled(last) ? last.first : []));
}

/** One question to the engine: the blocks of a prefix, in order. */
export interface PrefixQuery {
  framesUsed: number;
  blocks: Block[];
}

/** All that an engine must be asked about one episode. */
export interface EpisodePlan {
  instruction: string;
  prompt: PromptVariant;
  sampledFrames: number[];
  /** Distinct questions, the longest first. */
  queries: PrefixQuery[];
  /** For each prefix asked for, in order: its length in raw frames and the query that answers it. */
  prefixes: { length: number; query: number }[];
}

/**
 * The shortest list of questions that answers every prefix. Prefixes between two scheduled frames show the same frames and
 * share one question; a question's blocks are those of the longest one but for an odd last frame, which is doubled.
 * @param lengths rising prefix lengths in 1…frameCount
 */
export function planEpisode(
  episode: { instruction: string; prompt: PromptVariant; clock: Clock; frameCount: number },
  lengths: number[],
): EpisodePlan {
  const { instruction, prompt, clock, frameCount } = episode;
  const schedule = sampleSchedule(frameCount, clock);
  const used = lengths.map((length) => Math.max(1, countBelow(schedule, length)));
  const distinct = [...new Set(used)].sort((a, b) => b - a);
  const sampledFrames = schedule.slice(0, distinct[0]);
  const whole = pairs(sampledFrames).map(([first, second]) => block(first, second, clock));
  const queries = distinct.map((framesUsed): PrefixQuery => {
    const blocks = whole.slice(0, Math.floor(framesUsed / 2));
    const odd = framesUsed % 2 === 1 ? (schedule[framesUsed - 1] as number) : undefined;
    return { framesUsed, blocks: odd === undefined ? blocks : [...blocks, block(odd, odd, clock)] };
  });
  const prefixes = lengths.map((length, i) => ({ length, query: distinct.indexOf(used[i] as number) }));
  return { instruction, prompt, sampledFrames, queries, prefixes };
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

/** How many values of a rising list are below a limit. */
function countBelow(rising: number[], limit: number): number {
  const index = rising.findIndex((value) => value >= limit);
  return index < 0 ? rising.length : index;
}
