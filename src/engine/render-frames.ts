import type { ShownFrame } from '../frames/frames.ts';
import type { FrameEncoding } from '../frames/render-worker.ts';
import type { ScoreRequest } from './engine.ts';

/**
 * Renders the frames that an episode's prompts show, and books the time.
 * @returns by raw frame number; without bytes where the caller has only named them
 */
export async function renderFrames(
  { plan, frames, size, usage, signal }: ScoreRequest,
  encoding: FrameEncoding,
): Promise<Map<number, ShownFrame>> {
  const started = performance.now();
  const rendered = await frames.render(plan.sampledFrames, size, encoding, signal);
  usage.queuedMs += rendered.waitedMs;
  usage.decodingMs += performance.now() - started - rendered.waitedMs;
  return rendered.frames;
}
