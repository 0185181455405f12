import type { FrameSize } from '../../schemas/reward.ts';

/**
 * Resizes RGB values as torchvision resizes a tensor on the CPU, with bicubic interpolation and antialiasing: columns first,
 * without rounding in between, and without limits. The result can lie a little outside the range of the input.
 * Every operation is in single precision, and a product is added without being rounded first (fused), as in torch's kernels: a
 * value halfway between two grey levels must fall on the same side.
 * Source: _upsample_bicubic2d_aa of PyTorch 2.8.
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
  const sums = new Float32Array(stride);
  for (const [out, { start, shares }] of inputsOf(from, to).entries()) {
    for (let line = 0; line < lines; line += 1) {
      sums.fill(0);
      let at = (line * from + start) * stride;
      // Plain loops: this is the innermost work on every pixel. Storing a sum rounds it to single precision.
      for (const share of shares) {
        for (let i = 0; i < stride; i += 1) sums[i] = (sums[i] ?? Number.NaN) + share * (values[at + i] ?? Number.NaN);
        at += stride;
      }
      result.set(sums, (line * to + out) * stride);
    }
  }
  return result;
}

/** The inputs of one output: the index of the first, and the share of each. */
interface Inputs {
  start: number;
  shares: Float32Array;
}

function inputsOf(from: number, to: number): Inputs[] {
  const scale = Math.fround(from / to);
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  const inverse = Math.fround(1 / stretch);
  return Array.from({ length: to }, (_, out) => {
    const centre = Math.fround(scale * (out + 0.5));
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    const shares = Float32Array.from({ length: count }, (_, k) => {
      const distance = Math.fround(k + start - centre) + 0.5;
      return cubic(Math.abs(Math.fround(distance * inverse)));
    });
    const sum = shares.reduce((total, share) => Math.fround(total + share), 0);
    return { start, shares: shares.map((share) => share / sum) };
  });
}

/** The cubic filter with a = −0.5. @param x distance, ≥ 0, single precision */
function cubic(x: number): number {
  if (x < 1) return fused(Math.fround(fused(1.5, x, -2.5) * x), x, 1);
  if (x < 2) return fused(fused(fused(-0.5, x, 2.5), x, -4), x, 2);
  return 0;
}

/** a · b + c, rounded once to single precision. */
function fused(a: number, b: number, c: number): number {
  return Math.fround(a * b + c);
}
