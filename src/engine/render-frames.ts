import type { ShownFrame } from '../frames/frames.ts';
import type { FrameEncoding } from '../frames/render-worker.ts';
import type { ScoreRequest } from './engine.ts';

/** Frames of an episode's prompts as they are rendered: frame numbers and frames, in rising order. */
export type ComingFrames = AsyncGenerator<[index: number, frame: ShownFrame]>;

/**
 * Begins to render the frames that an episode's prompts show, when it is its turn, and books the time.
 * @returns frames to be read to their end, or left, and whether one failed that is still to come
 */
export async function beginFrames(
  { plan, frames, size, usage, signal }: ScoreRequest,
  encoding: FrameEncoding,
): Promise<{ coming: ComingFrames; failed: AbortSignal }> {
  const { waitedMs, tookMs, failed, each } = await frames.render(plan.sampledFrames, size, encoding, signal);
  usage.queuedMs += waitedMs;
  async function* timed() {
    try {
      yield* each();
    } finally {
      usage.decodingMs += tookMs();
    }
  }
  return { coming: timed(), failed };
}

/** Renders all of them. @returns by raw frame number; without bytes where the caller has only named them */
export async function renderFrames(request: ScoreRequest, encoding: FrameEncoding): Promise<Map<number, ShownFrame>> {
  const { coming } = await beginFrames(request, encoding);
  return new Map(await Array.fromAsync(coming));
}
