import { floatResize } from './float-resize.ts';
import { referencePixels, square, type UploadedPicture } from './reference-pixels.ts';
import type { Resampler } from './resample.ts';

/** Side after the first step of qwen-vl-utils: 244 px rounded to a multiple of 56. */
const FACTOR_SIDE = 224;
/** Side after its second step, which reaches its least number of pixels. */
const LEAST_SIDE = 336;

/**
 * Resizes a frame in the steps of the authors' first release: Pillow to 244 and to 224 pixels, torchvision to 336, and the
 * processor's float resize to the size of the prefix. The last result is rounded to 8 bits here, because an engine takes no other
 * frames; the authors' code does not round it.
 * Source: commit 4877a0e with qwen-vl-utils 0.0.14 and transformers 4.57.1.
 * @param side of the result, px
 * @returns side × side × 3 bytes, red first
 */
export function publishedPixels(resampler: Resampler, picture: UploadedPicture, side: number): Uint8Array {
  const { check } = picture;
  const factor = referencePixels(resampler, picture, FACTOR_SIDE);
  check();
  const least = eightBits(floatResize(factor, square(FACTOR_SIDE), square(LEAST_SIDE)));
  check();
  return eightBits(floatResize(least, square(LEAST_SIDE), square(side)));
}

/** Rounds half to even and limits to 0…255, as torchvision does for a tensor of bytes. */
function eightBits(values: Float32Array): Uint8Array {
  // A clamped array rounds and limits in this way when it is filled.
  return new Uint8Array(Uint8ClampedArray.from(values).buffer);
}
