import type { FrameSize } from '../../schemas/reward.ts';

/** For each output position: the first input position, the number of inputs, and their weights. */
interface Kernel {
  starts: Int32Array;
  counts: Int32Array;
  weights: Int32Array;
  width: number;
}

const SUPPORT = 2;
const FIXED_ONE = 2 ** 22;
const HALF = FIXED_ONE / 2;

/**
 * Pillow's bicubic resampling in plain JavaScript, the oracle for src/frames/resample.ts.
 * @param pixels height × width × 3 bytes
 * @returns to.height × to.width × 3 bytes; the same array if the size does not change
 */
export function plainBicubic(pixels: Uint8Array, from: FrameSize, to: FrameSize): Uint8Array {
  const rows = from.width === to.width ? pixels : resizeRows(pixels, from, kernel(from.width, to.width));
  return from.height === to.height ? rows : resizeColumns(rows, to.width, kernel(from.height, to.height));
}

function cubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

function kernel(from: number, to: number): Kernel {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  const width = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * width);
  const exact = new Float64Array(width);
  const inverse = 1 / stretch;
  for (let out = 0; out < to; out += 1) {
    const centre = (out + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const taps = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let k = 0; k < taps; k += 1) {
      const weight = cubic((k + start - centre + 0.5) * inverse);
      exact[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < taps; k += 1) {
      const weight = ((exact[k] as number) / sum) * FIXED_ONE;
      weights[out * width + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    starts[out] = start;
    counts[out] = taps;
  }
  return { starts, counts, weights, width };
}

function resizeRows(pixels: Uint8Array, from: FrameSize, { starts, counts, weights, width }: Kernel): Uint8Array {
  const to = starts.length;
  const result = new Uint8ClampedArray(from.height * to * 3);
  let target = 0;
  for (let y = 0; y < from.height; y += 1) {
    for (let out = 0; out < to; out += 1) {
      const weightBase = out * width;
      const weightEnd = weightBase + (counts[out] as number);
      let at = (y * from.width + (starts[out] as number)) * 3;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      for (let k = weightBase; k < weightEnd; k += 1) {
        const weight = weights[k] as number;
        r = (r + Math.imul(pixels[at] as number, weight)) | 0;
        g = (g + Math.imul(pixels[at + 1] as number, weight)) | 0;
        b = (b + Math.imul(pixels[at + 2] as number, weight)) | 0;
        at += 3;
      }
      result[target] = r >> 22;
      result[target + 1] = g >> 22;
      result[target + 2] = b >> 22;
      target += 3;
    }
  }
  return new Uint8Array(result.buffer);
}

function resizeColumns(pixels: Uint8Array, columns: number, { starts, counts, weights, width }: Kernel): Uint8Array {
  const stride = columns * 3;
  const result = new Uint8ClampedArray(starts.length * stride);
  const sums = new Int32Array(stride);
  for (let out = 0; out < starts.length; out += 1) {
    sums.fill(HALF);
    for (let k = 0; k < (counts[out] as number); k += 1) {
      const weight = weights[out * width + k] as number;
      const row = ((starts[out] as number) + k) * stride;
      for (let x = 0; x < stride; x += 1) sums[x] = (sums[x] as number) + Math.imul(pixels[row + x] as number, weight);
    }
    for (let x = 0; x < stride; x += 1) result[out * stride + x] = (sums[x] as number) >> 22;
  }
  return new Uint8Array(result.buffer);
}
