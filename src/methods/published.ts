import type { FrameSize } from '../../schemas/reward.ts';
import { publishedFrames } from '../episode/published-frames.ts';
import type { PublishedPipeline } from '../families/family.ts';
import type { NonEmpty } from '../plan/non-empty.ts';
import type { EpisodePlan, FrameGroup, PlannedPrefix, Query } from '../plan/plan.ts';
import type { PrefixQuery } from './aligned.ts';

/**
 * Plans one query for each prefix in the published pipeline. Each prefix shows frames and times of its own, so queries share no
 * blocks; the engine may still find a block that another prefix has too in its cache.
 * @param lengths increasing prefix lengths in raw frames, at least one
 * @param fixedSize size at which every frame is sent, for a model that accepts one size only
 * @throws RangeError without a prefix
 */
export function planPublished(
  { prompt, text, read }: Omit<PrefixQuery, 'clock'>,
  published: PublishedPipeline,
  lengths: number[],
  fixedSize: FrameSize | undefined,
): EpisodePlan {
  const frameGroups: FrameGroup[] = [];
  const shown: Set<number>[] = [];
  const queries: Query[] = [];
  const prefixes: PlannedPrefix[] = [];

  /** The index of the frameGroup for a size. */
  function groupFor(size: FrameSize): number {
    const found = frameGroups.findIndex((each) => each.size.width === size.width && each.size.height === size.height);
    if (found >= 0) return found;
    frameGroups.push({ size, resampling: fixedSize ? 'pillow-bicubic' : 'published', frames: [] });
    shown.push(new Set());
    return frameGroups.length - 1;
  }

  for (const length of lengths.toReversed()) {
    const frames = publishedFrames(length);
    const frameGroup = groupFor(fixedSize ?? published.size(frames.length));
    for (const { frame } of frames) shown[frameGroup]?.add(frame);
    prefixes.push({ length, framesUsed: frames.length, query: queries.length });
    queries.push({ shows: 0, own: published.blocks(frames), frameGroup, framesUsed: frames.length, text, read });
  }
  const complete = frameGroups.map((each, i) => ({
    ...each,
    frames: [...(shown[i] ?? [])].sort((one, other) => one - other),
  }));
  const longest = lengths.at(-1);
  return {
    prompt,
    sampledFrames: longest === undefined ? [] : [...new Set(publishedFrames(longest).map(({ frame }) => frame))],
    frameGroups: atLeastOne(complete),
    blocks: [],
    queries: atLeastOne(queries),
    prefixes: atLeastOne(prefixes.reverse()),
  };
}

function atLeastOne<Element>([first, ...rest]: Element[]): NonEmpty<Element> {
  if (first === undefined) throw new RangeError('A plan needs at least one prefix.');
  return [first, ...rest];
}
