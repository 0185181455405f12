/** Weights for resizing in one direction. Each array except `weights` has one entry for each output position. */
export interface Kernel {
  /** index of the first input */
  starts: Int32Array;
  /** number of inputs */
  counts: Int32Array;
  /** number of weights: `counts` rounded up to a multiple of the group, filled with weights of zero */
  padded: Int32Array;
  /** index of the first weight in `weights` */
  firsts: Int32Array;
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
  const spans = cubicSpans(from, to).map((span) => ({
    ...span,
    count: span.weights.length,
    padded: Math.ceil(span.weights.length / group) * group,
  }));
  const firsts = new Int32Array(to);
  for (let out = 1; out < to; out += 1) firsts[out] = (firsts[out - 1] as number) + (spans[out - 1]?.padded as number);
  const width = Math.max(...spans.map(({ count }) => count));
  const weights = new Int32Array((firsts[to - 1] as number) + (spans[to - 1]?.padded as number));
  for (const [out, { weights: exact }] of spans.entries()) {
    for (const [k, share] of exact.entries()) {
      const weight = share * FIXED_ONE;
      weights[(firsts[out] as number) + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return {
    starts: Int32Array.from(spans, ({ start }) => start),
    counts: Int32Array.from(spans, ({ count }) => count),
    padded: Int32Array.from(spans, ({ padded }) => padded),
    firsts,
    weights,
    width,
    group,
  };
}

/** The inputs of one output: the index of the first, and the weight of each. The weights sum to 1. */
export interface Span {
  start: number;
  weights: Float64Array;
}

/**
 * Computes the weights of an antialiased cubic filter (a = −0.5) for each output, as Pillow and torchvision do.
 * @param from number of inputs
 * @param to number of outputs
 */
export function cubicSpans(from: number, to: number): Span[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  const inverse = 1 / stretch;
  return Array.from({ length: to }, (_, out) => {
    const centre = (out + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    const shares = Float64Array.from({ length: count }, (_, k) => cubic((k + start - centre + 0.5) * inverse));
    const sum = shares.reduce((total, share) => total + share, 0);
    return { start, weights: shares.map((share) => share / sum) };
  });
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
