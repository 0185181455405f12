import type { FrameSizeMode } from '../../../schemas/enumerations.ts';
import type { FrameSize } from '../../../schemas/reward.ts';

/** The processor works on multiples of this many pixels (patch 16 × merge 2). */
const PATCH_MULTIPLE = 32;

/** The processor shrinks a complete video above this number of pixels (frames × height × width). */
const VIDEO_PIXELS = 25_165_824;

/**
 * The size at which all frames of an episode are sent.
 * `reference` is the model's own size. `budget` changes only frames with more pixels. It nearly keeps the aspect ratio: both
 * sides become multiples of 32, at least 32, so that the engine does not resize again.
 * @param source size of the uploaded frames
 * @param reference the model's own size
 * @param maxPixels for `budget`: pixels per frame, ≥ 1024
 */
export function sentFrameSize(
  mode: FrameSizeMode,
  source: FrameSize,
  reference: FrameSize,
  maxPixels: number | undefined,
): FrameSize {
  if (mode === 'reference') return { ...reference };
  const pixels = source.width * source.height;
  if (mode === 'native' || maxPixels === undefined || pixels <= maxPixels) return { ...source };
  const scale = Math.sqrt(maxPixels / pixels);
  const fit = (side: number) => Math.max(1, Math.floor((side * scale) / PATCH_MULTIPLE)) * PATCH_MULTIPLE;
  return { width: fit(source.width), height: fit(source.height) };
}

/** Whether the processor would shrink the frames of a video of this many frames. It first rounds sides to its own multiples, 244 px to 256. */
export function wouldShrink(frames: number, { width, height }: FrameSize): boolean {
  const processed = (side: number) => Math.max(1, Math.round(side / PATCH_MULTIPLE)) * PATCH_MULTIPLE;
  return frames * processed(width) * processed(height) > VIDEO_PIXELS;
}
