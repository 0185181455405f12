import type { FrameSize } from '../../schemas/reward.ts';
import type { ModelProfile } from '../engine/model-profile.ts';
import type { Frames } from '../frames/frames.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import { ProblemError } from '../problems/problems.ts';

/**
 * Memory for the rendered frames of an episode, in bytes: three bytes per pixel, or the same in base64. No image file is larger,
 * except for its header.
 * @throws ProblemError image-too-large if the frames do not fit into the memory even on their own
 */
export function renderedBytes(
  { sampledFrames }: EpisodePlan,
  frames: Frames,
  { width, height }: FrameSize,
  { frameEncoding }: ModelProfile,
  { limit, pointer }: { limit: number; pointer: string },
): number {
  const held = frames.countUploaded(sampledFrames);
  const bytes = held * width * height * (frameEncoding === 'rgb' ? 3 : 4);
  if (bytes <= limit) return bytes;
  const detail = `The ${held} sampled frames take ${bytes} bytes at ${width}×${height} px; the limit is ${limit} bytes. Send a shorter episode, or \`frame_size\` "reference" or "budget".`;
  throw new ProblemError('image-too-large', detail, { pointer: `${pointer}/frame_size`, limit });
}
