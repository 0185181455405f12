import type { ScoreRequest } from '../../engine/engine.ts';
import { framesMissing } from '../../engine/frames-missing.ts';
import { beginFrames, type ComingFrames, frameAt } from '../../engine/render-frames.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import type { Block, EpisodePlan } from '../../plan/plan.ts';

/** The frames of an episode, for the model thread. */
interface FramesToShow {
  coming: ComingFrames;
  /** true if the pixels of this frame are here or will arrive */
  isHere(frame: number): boolean;
  /** frames that are already rendered or only named, by raw frame number */
  shown: Map<number, EngineFrame>;
  /** Aborts when a frame cannot be rendered. */
  failed: AbortSignal;
}

/**
 * Begins to render frames. If all frames are here, they go to the model one by one as they are rendered. If a growing
 * episode only names some of its frames, those that are here are rendered first: they are few, and then all missing
 * frames can be reported at once.
 * @throws ProblemError frames-missing, if a query's own block lacks a frame: the cache never holds these blocks
 */
export async function framesOf(request: ScoreRequest): Promise<FramesToShow> {
  const { plan, frames } = request;
  // Count before rendering starts, because rendering releases the uploads.
  const [group] = plan.frameGroups;
  const isWhole = frames.countUploaded(group.frames) === group.frames.length;
  const { coming, failed } = await beginFrames(request, group, 'rgb');
  if (isWhole) {
    // Wait for the first frame here, before the episode occupies a gate: the frames of a video arrive only after all of
    // them are decoded.
    const first = await coming.next();
    return { coming: rejoined(first, coming), isHere: () => true, shown: new Map(), failed };
  }
  const shown = new Map(await Array.fromAsync(coming));
  const own = plan.queries.flatMap((query) => query.own);
  // Only the model thread knows which of the other blocks are cached. Report all missing frames at once.
  if (framesMissing(shown, own)) throw framesMissing(shown, [...plan.blocks, ...own]);
  const isHere = (frame: number) => shown.get(frame)?.bytes != null;
  return { coming: inOrder(shown), isHere, shown, failed };
}

async function* inOrder(shown: Map<number, EngineFrame>): ComingFrames {
  yield* shown;
}

async function* rejoined(first: IteratorResult<[number, EngineFrame]>, rest: ComingFrames): ComingFrames {
  if (!first.done) yield first.value;
  yield* rest;
}

/** Passes frames on. Keeps copies of the first and the last one, which the domain warnings need. */
export async function* keepEnds(
  coming: ComingFrames,
  { sampledFrames }: EpisodePlan,
  ends: Map<number, Uint8Array>,
): ComingFrames {
  for await (const [index, frame] of coming) {
    const isEnd = index === sampledFrames[0] || index === sampledFrames.at(-1);
    if (isEnd && frame.bytes) ends.set(index, Uint8Array.from(frame.bytes));
    yield [index, frame];
  }
}

/** Copies of the frames of some blocks, in the order of the blocks: the model thread takes their memory. */
export async function* copiesOf(blocks: Block[], frames: ReadonlyMap<number, EngineFrame>): ComingFrames {
  for (const index of new Set(blocks.flatMap((block) => block.frames))) {
    const { bytes, digest } = frameAt(frames, index);
    yield [index, { bytes: bytes && Uint8Array.from(bytes), digest }];
  }
}
