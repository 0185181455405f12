import type { FrameSize } from '../../schemas/reward.ts';
import { publishedCount } from '../episode/published-frames.ts';
import type { Family, PublishedPipeline } from '../families/family.ts';
import { type EpisodePlan, framesUsed, type Query } from '../plan/plan.ts';
import { planAligned } from './aligned.ts';
import type { SampledEpisode } from './method.ts';
import { planPublished } from './published.ts';

/** Plans the same query about every prefix of an episode, in the pipeline of its request. */
export function planPrefixes(
  { request: { pipeline, prompt, clock }, schedule, lengths, size, fixedSize }: SampledEpisode,
  family: Family,
  { text, read }: Pick<Query, 'text' | 'read'>,
): EpisodePlan {
  const query = { prompt, clock, text, read };
  return pipeline === 'published'
    ? planPublished(query, publishedBy(family), lengths, fixedSize)
    : planAligned(query, family, schedule, lengths, size);
}

/**
 * What the longest prefix shows, before it is planned.
 * @returns the number of its sampled frames, and the size at which they are sent
 */
export function longestShown(
  { request, schedule, lengths, size, fixedSize }: SampledEpisode,
  family: Family,
): { frames: number; size: FrameSize } {
  const longest = lengths.at(-1) ?? 1;
  if (request.pipeline === 'aligned') return { frames: framesUsed(schedule, longest), size };
  const frames = publishedCount(longest);
  return { frames, size: fixedSize ?? publishedBy(family).size(frames) };
}

/** @throws Error if the family has no published pipeline: `checkPipeline` refuses such a request before it is planned */
function publishedBy({ name, published }: Family): PublishedPipeline {
  if (published) return published;
  throw new Error(`The family ${name} has no published pipeline.`);
}
