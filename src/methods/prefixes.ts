import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { Clock } from '../episode/clock.ts';
import type { Family } from '../families/family.ts';
import { type EpisodePlan, framesUsed, type Query, type Read } from '../plan/plan.ts';

/** The same query about every prefix of an episode. */
export interface PrefixQuery {
  prompt: PromptVariant;
  clock: Clock;
  /** prompt text after the last block */
  text: string;
  read: Read;
}

/**
 * Plans the fewest queries that score every prefix. Prefixes with the same sampled frames share one query. Time and memory grow
 * with the number of frames plus the number of prefixes, not with their product.
 * @param family how the model receives frames
 * @param schedule raw frame numbers of the sampled frames, from `sampleSchedule`
 * @param lengths increasing prefix lengths in raw frames, at least one
 */
export function planPrefixes(
  { prompt, clock, text, read }: PrefixQuery,
  family: Family,
  schedule: number[],
  lengths: number[],
): EpisodePlan {
  const used = framesUsed(schedule, lengths);
  const distinct = [...new Set(used)].reverse();
  const sampledFrames = schedule.slice(0, distinct[0]);
  const queries = distinct.map(
    (count): Query => ({
      shows: family.completeBlocks(count),
      own: family.ownBlock(schedule, count, clock),
      framesUsed: count,
      text,
      read,
    }),
  );
  const places = new Map(distinct.map((count, place) => [count, place]));
  const prefixes = lengths.map((length, i) => ({ length, query: places.get(used[i] as number) as number }));
  const blocks = family.blocks(sampledFrames, clock);
  return { prompt, sampledFrames, blocks, queries: queries as [Query, ...Query[]], prefixes };
}
