import { REFERENCE_SIDE } from '../../schemas/defaults.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import { floatResize } from './float-resize.ts';
import type { Resampler } from './resample.ts';

/** Side after the first step of qwen-vl-utils: 244 px rounded to a multiple of 56. */
const FACTOR_SIDE = 224;
/** Side after its second step, which reaches its least number of pixels. */
const LEAST_SIDE = 336;

const square = (side: number): FrameSize => ({ width: side, height: side });

/**
 * Resizes a frame in the steps of the authors' first release: Pillow to 244 and to 224 pixels, torchvision to 336, and the
 * processor's float resize to the size of the prefix. The last result is rounded to 8 bits here, because an engine takes no other
 * frames; the authors' code does not round it.
 * Source: commit 4877a0e with qwen-vl-utils 0.0.14 and transformers 4.57.1.
 * @param pixels from.height × from.width × 3 bytes, red first
 * @param side of the result, px
 * @returns side × side × 3 bytes, red first
 */
export function publishedPixels(
  resampler: Resampler,
  { pixels, from, check }: { pixels: Uint8Array; from: FrameSize; check: () => void },
  side: number,
): Uint8Array {
  const reference = resampler.rgb({ pixels, from, to: square(REFERENCE_SIDE), check });
  const factor = resampler.rgb({ pixels: reference, from: square(REFERENCE_SIDE), to: square(FACTOR_SIDE), check });
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
