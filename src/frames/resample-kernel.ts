/** The inputs of one output position. */
interface Span {
  /** index of the first input */
  start: number;
  /** number of inputs */
  count: number;
  /** number of weights: `count` rounded up to a multiple of the group, filled with weights of zero */
  padded: number;
  /** index of the first weight in `weights` */
  first: number;
}

/** Weights for resizing in one direction. */
export interface Kernel {
  /** one for each output position */
  spans: Span[];
  /** weights of all outputs, fixed-point numbers with 22 fractional bits */
  weights: Int32Array;
  /** most inputs of one output */
  width: number;
  /** how many weights one SIMD step processes */
  group: number;
}

const SUPPORT = 2;
const FIXED_ONE = 2 ** 22;
/** Bits of the low part of a weight; see src/frames/wasm/resample.ts. */
const LOW_BITS = 12;

/**
 * Computes the weights of Pillow's antialiased cubic filter (a = −0.5), for one direction.
 * @param from number of inputs
 * @param to number of outputs
 * @param group how many weights one SIMD step processes
 */
export function kernel(from: number, to: number, group: number): Kernel {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  const inverse = 1 / stretch;
  let total = 0;
  const spans = Array.from({ length: to }, (_, out) => {
    const centre = (out + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    const padded = Math.ceil(count / group) * group;
    const first = total;
    total += padded;
    return { centre, start, count, padded, first };
  });
  const width = Math.max(...spans.map(({ count }) => count));
  const weights = new Int32Array(total);
  const exact = new Float64Array(width);
  for (const { centre, start, count, first } of spans) {
    let sum = 0;
    for (let k = 0; k < count; k += 1) {
      const weight = cubic((k + start - centre + 0.5) * inverse);
      exact[k] = weight;
      sum += weight;
    }
    let at = first;
    for (const part of exact.subarray(0, count)) {
      const weight = (part / sum) * FIXED_ONE;
      weights[at] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
      at += 1;
    }
  }
  return { spans, weights, width, group };
}

function cubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/**
 * Writes the weights of a kernel group by group: first all high parts of the group, then all low parts, 16 bits each.
 */
export function writeWeights(target: Int16Array, { weights, group }: Kernel): void {
  for (const [place, weight] of weights.entries()) {
    const high = 2 * place - (place % group);
    target[high] = weight >> LOW_BITS;
    target[high + group] = weight & (2 ** LOW_BITS - 1);
  }
}
