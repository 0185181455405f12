import type { FrameSize } from '../../../schemas/reward.ts';
import { roundHalfEven } from '../../episode/rounding.ts';
import { sentSizeOf } from '../sent-size.ts';

/** The processor works on multiples of this many pixels (patch 16 × merge 2). */
const PATCH_MULTIPLE = 32;

/** The processor shrinks a complete video above this number of pixels (frames × height × width). */
const VIDEO_PIXELS = 25_165_824;

/** The size at which all frames of an episode are sent. Frames that `budget` shrinks get sides that the engine does not resize again. */
export const sentFrameSize = sentSizeOf(PATCH_MULTIPLE);

/** Side to which the published pipeline resizes every frame before the processor, px. */
const PUBLISHED_SIDE = 336;

/**
 * The size at which the published pipeline sends the frames of a prefix: the processor's own choice for a video of 336×336 px.
 * Source: smart_resize in the video processor of Qwen3-VL, transformers 4.57.1.
 * @param count frames that the prefix shows
 */
export function publishedSize(count: number): FrameSize {
  const rounded = roundHalfEven(PUBLISHED_SIDE / PATCH_MULTIPLE) * PATCH_MULTIPLE;
  const side = 2 * roundHalfEven(count / 2) * rounded ** 2 > VIDEO_PIXELS ? shrunkSide(count) : rounded;
  return { width: side, height: side };
}

function shrunkSide(count: number): number {
  const excess = Math.sqrt((count * PUBLISHED_SIDE ** 2) / VIDEO_PIXELS);
  return Math.max(1, Math.floor(PUBLISHED_SIDE / excess / PATCH_MULTIPLE)) * PATCH_MULTIPLE;
}

/** The size that GVL's images have after the processor in the authors' code: 244 px, rounded to 252 and then to a multiple of 32. */
export const GVL_SIZE: FrameSize = { width: 256, height: 256 };

/**
 * Tokens of an image that is not in a block: one for each square of 32 px. The processor does not resize an image of at least 65,536
 * pixels whose sides are multiples of 32.
 */
export function imageTokens({ width, height }: FrameSize): number {
  return roundHalfEven(width / PATCH_MULTIPLE) * roundHalfEven(height / PATCH_MULTIPLE);
}

/** Whether the processor would shrink the frames of a video of this many frames. It first rounds sides to its own multiples, 244 px to 256. */
export function wouldShrink(frames: number, { width, height }: FrameSize): boolean {
  const processed = (side: number) => Math.max(1, Math.round(side / PATCH_MULTIPLE)) * PATCH_MULTIPLE;
  return frames * processed(width) * processed(height) > VIDEO_PIXELS;
}
