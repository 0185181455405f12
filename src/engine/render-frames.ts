import type { ShownFrame } from '../frames/frames.ts';
import type { FrameEncoding } from '../frames/render-worker.ts';
import type { ScoreRequest } from './engine.ts';

/** Frames of an episode's prompts as they are rendered: frame numbers and frames, in rising order. */
export type ComingFrames = AsyncIterable<[index: number, frame: ShownFrame]>;

/**
 * Begins to render the frames that an episode's prompts show, when it is its turn, and books the time.
 * @returns to be read at once and to its end, or left
 */
export async function beginFrames(
  { plan, frames, size, usage, signal }: ScoreRequest,
  encoding: FrameEncoding,
): Promise<ComingFrames> {
  const { waitedMs, each } = await frames.render(plan.sampledFrames, size, encoding, signal);
  const started = performance.now();
  usage.queuedMs += waitedMs;
  return (async function* () {
    try {
      yield* each();
    } finally {
      usage.decodingMs += performance.now() - started;
    }
  })();
}

/** Renders all of them. @returns by raw frame number; without bytes where the caller has only named them */
export async function renderFrames(request: ScoreRequest, encoding: FrameEncoding): Promise<Map<number, ShownFrame>> {
  return new Map(await Array.fromAsync(await beginFrames(request, encoding)));
}
