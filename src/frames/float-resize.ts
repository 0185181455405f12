import type { FrameSize } from '../../schemas/reward.ts';
import { cubicInputs } from './resample-kernel.ts';

/**
 * Resizes RGB values as torchvision resizes a tensor with bicubic interpolation and antialiasing: columns first, without
 * rounding in between, and without limits. The result can lie a little outside the range of the input.
 * @param values from.height × from.width × 3 values, row by row
 * @returns to.height × to.width × 3 values
 */
export function floatResize(values: ArrayLike<number>, from: FrameSize, to: FrameSize): Float32Array {
  const narrow = resizeAxis(values, { lines: from.height, from: from.width, to: to.width, inner: 3 });
  return resizeAxis(narrow, { lines: 1, from: from.height, to: to.height, inner: to.width * 3 });
}

interface Axis {
  /** independent lines along the axis */
  lines: number;
  from: number;
  to: number;
  /** values at each position of the axis */
  inner: number;
}

function resizeAxis(values: ArrayLike<number>, { lines, from, to, inner }: Axis): Float32Array {
  const result = new Float32Array(lines * to * inner);
  for (const [out, { start, shares }] of cubicInputs(from, to).entries()) {
    for (let line = 0; line < lines; line += 1) {
      const target = (line * to + out) * inner;
      const source = (line * from + start) * inner;
      for (let place = 0; place < inner; place += 1) {
        let sum = 0;
        let at = source + place;
        for (const share of shares) {
          sum += share * (values[at] ?? Number.NaN);
          at += inner;
        }
        result[target + place] = sum;
      }
    }
  }
  return result;
}
