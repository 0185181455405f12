import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import type { Clock } from '../episode/clock.ts';
import type { Family } from '../families/family.ts';
import { type EpisodePlan, framesUsed, type PlannedPrefix, type Query, type Read } from '../plan/plan.ts';

/** The same query about every prefix of an episode. */
export interface PrefixQuery {
  prompt: PromptVariant;
  clock: Clock;
  /** prompt text after the last block */
  text: string;
  read: Read;
}

/**
 * Plans the fewest queries that score every prefix, in the aligned pipeline. Prefixes with the same sampled frames share one query. Time and memory grow
 * with the number of frames plus the number of prefixes, not with their product.
 * @param family how the model receives frames
 * @param schedule raw frame numbers of the sampled frames, from `sampleSchedule`
 * @param lengths increasing prefix lengths in raw frames, at least one
 * @param size at which every frame is sent
 * @throws RangeError without a prefix
 */
export function planAligned(
  { prompt, clock, text, read }: PrefixQuery,
  family: Family,
  schedule: number[],
  lengths: number[],
  size: FrameSize,
): EpisodePlan {
  const queries: Query[] = [];
  const prefixes: PlannedPrefix[] = [];
  for (const { length, count } of countedFrames(schedule, lengths).reverse()) {
    if (queries.at(-1)?.framesUsed !== count)
      queries.push({
        shows: Math.floor(count / family.framesPerBlock),
        own: family.ownBlocks(schedule, count, clock),
        frameGroup: 0,
        framesUsed: count,
        text,
        read,
      });
    prefixes.push({ length, framesUsed: count, query: queries.length - 1 });
  }
  const [longest, ...shorter] = queries;
  const [shortestPrefix, ...longerPrefixes] = prefixes.reverse();
  if (!longest || !shortestPrefix) throw new RangeError('A plan needs at least one prefix.');
  const sampledFrames = schedule.slice(0, longest.framesUsed);
  return {
    prompt,
    sampledFrames,
    frameGroups: [{ size, resampling: 'pillow-bicubic', frames: sampledFrames }],
    blocks: family.blocks(sampledFrames, clock),
    queries: [longest, ...shorter],
    prefixes: [shortestPrefix, ...longerPrefixes],
  };
}

/** The number of sampled frames in each prefix. Every frame is looked at once. */
export function countedFrames(schedule: number[], lengths: number[]): { length: number; count: number }[] {
  let count = 0;
  return lengths.map((length) => {
    count = framesUsed(schedule, length, count);
    return { length, count };
  });
}
