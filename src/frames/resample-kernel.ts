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
  /** weights of all outputs, fixed-point numbers with 22 fractional bits; with `torch`, the last of these are zero */
  weights: Int32Array;
  /** most inputs of one output */
  width: number;
  /** how many weights one SIMD step processes */
  group: number;
}

/**
 * How weights are rounded: `pillow` to 22 fractional bits, `torch` to as many as leave them below 2^15. With `torch`, pixels are
 * those of PyTorch when it resizes bytes on the CPU. Nothing else differs from Pillow.
 */
export type Rounding = 'pillow' | 'torch';

const SUPPORT = 2;
const FRACTION = 22;
/** No weight of `torch` reaches this number. */
const TORCH_LIMIT = 2 ** 15;
/** Bits of the low part of a weight; see src/frames/wasm/resample.ts. */
const LOW_BITS = 12;

/**
 * Computes the weights of Pillow's antialiased cubic filter (a = −0.5), for one direction.
 * Source of `torch`: _compute_index_ranges_int16_weights of PyTorch 2.8.
 * @param from number of inputs
 * @param to number of outputs
 * @param group how many weights one SIMD step processes
 */
export function kernel(from: number, to: number, group: number, rounding: Rounding): Kernel {
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
  const exact = new Float64Array(width);
  /** The weights of one output before rounding; they stay valid until the next call. */
  function exactWeights({ centre, start, count }: (typeof spans)[number]): Float64Array {
    const own = exact.subarray(0, count);
    let sum = 0;
    for (let k = 0; k < count; k += 1) {
      const weight = cubic((k + start - centre + 0.5) * inverse);
      own[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k += 1) own[k] = (own[k] ?? Number.NaN) / sum;
    return own;
  }
  const bits =
    rounding === 'torch'
      ? torchBits(spans.map((span) => exactWeights(span).reduce((a, b) => Math.max(a, b))))
      : FRACTION;
  const weights = new Int32Array(total);
  for (const span of spans) {
    let at = span.first;
    for (const weight of exactWeights(span)) {
      const scaled = weight * 2 ** bits;
      weights[at] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5) * 2 ** (FRACTION - bits);
      at += 1;
    }
  }
  return { spans, weights, width, group };
}

/** Number of fractional bits that torch gives to weights. @param largest the largest weight of each output */
function torchBits(largest: number[]): number {
  const most = Math.max(...largest);
  let bits = 0;
  while (bits < FRACTION && Math.trunc(most * 2 ** (bits + 1) + 0.5) < TORCH_LIMIT) bits += 1;
  return bits;
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
