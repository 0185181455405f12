import { referencePixels, square, type UploadedPicture } from './reference-pixels.ts';
import type { Resampler } from './resample.ts';

/** Side after qwen-vl-utils: 244 px rounded to a multiple of 28. */
const FACTOR_SIDE = 252;

/**
 * Resizes a frame in the steps of the authors' GVL: Pillow to 244 and to 252 pixels, then the image processor of transformers, which
 * resizes bytes with torchvision.
 * Source: topreward/clients/qwen.py with qwen-vl-utils 0.0.14 and transformers 4.57.1. transformers 5.19.0 has the same steps.
 * @param side of the result, px: 256 for Qwen3-VL
 * @returns side × side × 3 bytes, red first
 */
export function gvlPixels(resampler: Resampler, picture: UploadedPicture, side: number): Uint8Array {
  const pixels = referencePixels(resampler, picture, FACTOR_SIDE);
  return resampler.rgb({
    pixels,
    from: square(FACTOR_SIDE),
    to: square(side),
    rounding: 'torch',
    check: picture.check,
  });
}
