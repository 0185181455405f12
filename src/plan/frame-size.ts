/** Width and height in pixels. */
export interface FrameSize {
  width: number;
  height: number;
}

export type FrameSizeMode = 'reference' | 'native' | 'budget';

/** Side of the square to which the authors' code resizes every frame, px. It does so before the processor of a large model. */
export const REFERENCE_SIDE = 244;

/** Qwen3-VL's processor works on multiples of this many pixels (patch 16 × merge 2). */
export const PATCH_MULTIPLE = 32;

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
