import type { FrameSize } from '../../schemas/reward.ts';
import { cubicInputs } from './resample-kernel.ts';

/**
 * Resizes RGB values as torchvision resizes a tensor with bicubic interpolation and antialiasing: columns first, without
 * rounding in between, and without limits. The result can lie a little outside the range of the input.
 * @param values from.height × from.width × 3 values, row by row
 * @returns to.height × to.width × 3 values
 */
export function floatResize(values: Uint8Array, from: FrameSize, to: FrameSize): Float32Array {
  const narrow = resizeAxis(values, { lines: from.height, from: from.width, to: to.width, stride: 3 });
  return resizeAxis(narrow, { lines: 1, from: from.height, to: to.height, stride: to.width * 3 });
}

/** An image as lines of pixels, or one line of rows. */
interface Axis {
  lines: number;
  /** positions before and after */
  from: number;
  to: number;
  /** values at each position */
  stride: number;
}

function resizeAxis(values: Uint8Array | Float32Array, { lines, from, to, stride }: Axis): Float32Array {
  const result = new Float32Array(lines * to * stride);
  const sums = new Float64Array(stride);
  for (const [out, { start, shares }] of cubicInputs(from, to).entries()) {
    for (let line = 0; line < lines; line += 1) {
      sums.fill(0);
      let at = (line * from + start) * stride;
      // Plain loops: this is the innermost work on every pixel.
      for (const share of shares) {
        for (let i = 0; i < stride; i += 1) sums[i] = (sums[i] ?? Number.NaN) + share * (values[at + i] ?? Number.NaN);
        at += stride;
      }
      result.set(sums, (line * to + out) * stride);
    }
  }
  return result;
}
