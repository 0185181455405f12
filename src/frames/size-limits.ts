import type { FrameSize } from '../../schemas/reward.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';

/** Limits for the size of a frame in an image file, an array or a video. */
export interface SizeLimits {
  /** most pixels in width and in height */
  MAX_FRAME_SIDE: number;
  /** most pixels in total: width × height */
  MAX_FRAME_PIXELS: number;
}

/** Checks the size of a frame, in pixels. @throws ProblemError image-too-large */
export function checkSizeLimits(
  { width, height }: FrameSize,
  { MAX_FRAME_SIDE, MAX_FRAME_PIXELS }: SizeLimits,
  place: ProblemPlace,
): void {
  const size = `A frame is ${width}×${height} pixels`;
  // A limit on pixels is not enough: memory and time to resize a long, thin frame grow with its longer side.
  if (Math.max(width, height) > MAX_FRAME_SIDE) {
    const detail = `${size}; width and height must each be at most ${MAX_FRAME_SIDE} pixels. Send smaller frames.`;
    throw new ProblemError('image-too-large', detail, { ...place, limit: MAX_FRAME_SIDE });
  }
  if (width * height > MAX_FRAME_PIXELS) {
    const detail = `${size}; at most ${MAX_FRAME_PIXELS} pixels are accepted. Send smaller frames.`;
    throw new ProblemError('image-too-large', detail, { ...place, limit: MAX_FRAME_PIXELS });
  }
}

/**
 * Checks the size of the intermediate image of resizing. The first pass resizes rows, so this image has the height of
 * the frame and the width of the result. For a tall, narrow frame it is larger than both.
 * @param limit most pixels of this image; as many as the result has are always accepted
 * @throws ProblemError image-too-large
 */
export function checkResizing(from: FrameSize, to: FrameSize, limit: number, place: ProblemPlace): void {
  if (from.height * to.width <= Math.max(limit, to.width * to.height)) return;
  const detail = `Resizing a frame from ${from.width}×${from.height} to ${to.width}×${to.height} needs an intermediate image of ${to.width}×${from.height}; at most ${limit} pixels are accepted. Send frames with a smaller height.`;
  throw new ProblemError('image-too-large', detail, { ...place, limit });
}
