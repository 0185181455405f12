import type { EngineFrame, FrameForm } from '../frames/rendered.ts';
import type { FrameGroup } from '../plan/plan.ts';
import type { ScoreRequest } from './engine.ts';

/** The sampled frames of an episode, each as soon as it is rendered: frame numbers and frames, in rising order. */
export type ComingFrames = AsyncGenerator<[index: number, frame: EngineFrame]>;

/**
 * Waits for the episode's turn, begins to render a group of its frames, and records the time in `usage`.
 * @returns the frames, and a signal that aborts as soon as a frame fails, even before the iteration reaches that frame.
 * Leaving the iteration stops the rendering.
 */
export async function beginFrames(
  { frames, usage, signal }: Pick<ScoreRequest, 'frames' | 'usage' | 'signal'>,
  group: FrameGroup,
  encoding: FrameForm,
): Promise<{ coming: ComingFrames; failed: AbortSignal }> {
  const { waitedMs, tookMs, failed, each } = await frames.render(group, encoding, signal);
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

/**
 * A frame that has been rendered, or that the caller only named.
 * @param index raw frame number
 * @throws Error if it is not one of the rendered frames
 */
export function frameAt(frames: ReadonlyMap<number, EngineFrame>, index: number): EngineFrame {
  const frame = frames.get(index);
  if (!frame) throw new Error(`Frame ${index} is not one of the frames that were rendered.`);
  return frame;
}

/**
 * Renders all frames of an episode's queries.
 * @returns for each group, frames by raw frame number. A frame that the caller only named has no bytes.
 */
export async function renderFrames(
  request: Pick<ScoreRequest, 'frames' | 'usage' | 'signal'>,
  frameGroups: FrameGroup[],
  encoding: FrameForm,
): Promise<Map<number, EngineFrame>[]> {
  const groups: Map<number, EngineFrame>[] = [];
  for (const group of frameGroups) {
    const { coming } = await beginFrames(request, group, encoding);
    groups.push(new Map(await Array.fromAsync(coming)));
  }
  return groups;
}
