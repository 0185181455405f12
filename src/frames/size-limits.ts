import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';

/** How large a frame may be, whatever it comes in: a file, an array or a video. */
export interface SizeLimits {
  /** pixels of its width and of its height */
  MAX_FRAME_SIDE: number;
  /** pixels of the whole */
  MAX_FRAME_PIXELS: number;
}

/** @throws ProblemError image-too-large */
export function checkSizeLimits(
  { width, height }: FrameSize,
  { MAX_FRAME_SIDE, MAX_FRAME_PIXELS }: SizeLimits,
  place: ProblemPlace,
): void {
  const size = `A frame is ${width}×${height}`;
  // A side of its own: memory and time to resize a long thin picture grow with its longer side.
  if (Math.max(width, height) > MAX_FRAME_SIDE) {
    const detail = `${size}; its width and its height may be ${MAX_FRAME_SIDE} pixels at most. Send smaller frames.`;
    throw new ProblemError('image-too-large', detail, { ...place, limit: MAX_FRAME_SIDE });
  }
  if (width * height > MAX_FRAME_PIXELS) {
    const detail = `${size}; at most ${MAX_FRAME_PIXELS} pixels are taken. Send smaller frames.`;
    throw new ProblemError('image-too-large', detail, { ...place, limit: MAX_FRAME_PIXELS });
  }
}

/**
 * Resizing goes over the rows first, so the picture between its two passes is as high as the frame and as wide as the result:
 * of a high narrow frame it is larger than both.
 * @param limit pixels of that picture; as many as the result has are always taken
 * @throws ProblemError image-too-large
 */
export function checkResizing(from: FrameSize, to: FrameSize, limit: number, place: ProblemPlace): void {
  if (from.height * to.width <= Math.max(limit, to.width * to.height)) return;
  const detail = `A frame of ${from.width}×${from.height} becomes ${to.width}×${from.height} on its way to ${to.width}×${to.height}; at most ${limit} pixels are taken. Send frames that are less high.`;
  throw new ProblemError('image-too-large', detail, { ...place, limit });
}
