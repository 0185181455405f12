import { REFERENCE_SIDE } from '../../schemas/defaults.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import type { Resampler } from './resample.ts';

/** A frame of an upload. */
export interface UploadedPicture {
  /** from.height × from.width × 3 bytes, red first */
  pixels: Uint8Array;
  from: FrameSize;
  /** throws to stop */
  check: () => void;
}

/** The size of a square frame. */
export const square = (side: number): FrameSize => ({ width: side, height: side });

/**
 * Resizes a frame in the first two steps that the authors' pipelines have in common: with Pillow to the reference's 244 px, then with
 * Pillow to a multiple of the factor of qwen-vl-utils.
 * @param factorSide that multiple, px
 * @returns factorSide × factorSide × 3 bytes, red first
 */
export function referencePixels(
  resampler: Resampler,
  { pixels, from, check }: UploadedPicture,
  factorSide: number,
): Uint8Array {
  const reference = resampler.rgb({ pixels, from, to: square(REFERENCE_SIDE), check });
  return resampler.rgb({ pixels: reference, from: square(REFERENCE_SIDE), to: square(factorSide), check });
}
