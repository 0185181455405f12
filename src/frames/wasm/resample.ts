// The pixel operations of src/frames/resample.ts, in WebAssembly SIMD. This is AssemblyScript: `npm run build:wasm`
// compiles it to resample.wasm. It never runs as TypeScript. The caller lays out all memory; this code allocates
// nothing.
//
// A weight w is a fixed-point number with 22 fractional bits. It does not fit into 16 bits, but its two parts do:
// w = high · 2^12 + low. So sum(p·w) = sum(p·high) · 2^12 + sum(p·low), exactly, in arithmetic modulo 2^32.
// Each of the two sums needs one instruction for eight products (i32x4.dot_i16x8_s).

/** Fractional bits of a weight. */
const FRACTION: i32 = 22;
/** Bits of the low part of a weight. */
const LOW: i32 = 12;
/** Bytes of the two parts of a weight. */
const WEIGHT: usize = 4;
const HALF: i32 = 1 << (FRACTION - 1);

// Constant vectors for loops are in memory: loaded once, they stay in registers. V8 would build a literal again at each
// use.

/**
 * Shuffle masks that spread the bytes of four pixels into 16-bit lanes: r0 r1 r2 r3 g0 g1 g2 g3; blue in the first
 * half; blue in the second half.
 */
const RED_AND_GREEN = memory.data<u8>([0, 255, 3, 255, 6, 255, 9, 255, 1, 255, 4, 255, 7, 255, 10, 255], 16);
const BLUE = memory.data<u8>([2, 255, 5, 255, 8, 255, 11, 255, 255, 255, 255, 255, 255, 255, 255, 255], 16);
const BLUE_BEHIND = memory.data<u8>([255, 255, 255, 255, 255, 255, 255, 255, 2, 255, 5, 255, 8, 255, 11, 255], 16);

/** Shuffle mask that puts three bytes into each lane, as a number of 24 bits. */
const TRIPLES = memory.data<u8>([2, 1, 0, 255, 5, 4, 3, 255, 8, 7, 6, 255, 11, 10, 9, 255], 16);
/** Offsets from a base64 value to its character: for lower case, the ten digits, `+`, `/`, and upper case. */
const OFFSETS = memory.data<u8>([71, 252, 252, 252, 252, 252, 252, 252, 252, 252, 252, 237, 240, 65, 0, 0], 16);

/** Address at which the caller's memory begins. */
export const heapBase: usize = __heap_base;

/** Combines the two partial sums of each lane and rounds to an integer. */
function rounded(high: v128, low: v128): v128 {
  const sum = i32x4.add(i32x4.add(i32x4.shl(high, LOW), low), i32x4.splat(HALF));
  return i32x4.shr_s(sum, FRACTION);
}

/** Adds adjacent lanes. @returns a0 + a1, a2 + a3, b0 + b1, b2 + b3 */
function neighbours(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

/**
 * Resizes two rows of RGB pixels to a number of columns.
 * @param first pixels of the first row; up to 16 bytes after those that have a weight are read
 * @param second pixels of another row; may be the same row
 * @param columns how many columns the result has
 * @param spans for each column: the byte offset of its first input pixel, and its number of weights, a multiple of
 * four, 32 bits each
 * @param weights weights of all columns, in groups of four: four high parts, then four low parts
 * @param swap true if blue comes first in the result
 */
export function resizeRows(
  first: usize,
  second: usize,
  firstTarget: usize,
  secondTarget: usize,
  columns: i32,
  spans: usize,
  weights: usize,
  swap: bool,
): void {
  const order = swap
    ? i8x16(4, 1, 0, -1, 5, 3, 2, -1, -1, -1, -1, -1, -1, -1, -1, -1)
    : i8x16(0, 1, 4, -1, 2, 3, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const redAndGreen = v128.load(RED_AND_GREEN);
  const blue = v128.load(BLUE);
  const blueBehind = v128.load(BLUE_BEHIND);
  for (let column = 0; column < columns; column += 1) {
    const start = <usize>load<u32>(spans);
    const end = weights + <usize>load<u32>(spans, 4) * WEIGHT;
    spans += 8;
    let a = first + start;
    let b = second + start;
    // Red and green of each row, and blue of both.
    let highA = i64x2.splat(0);
    let lowA = highA;
    let highB = highA;
    let lowB = highA;
    let highBlue = highA;
    let lowBlue = highA;
    while (weights < end) {
      const high = v128.load64_splat(weights);
      const low = v128.load64_splat(weights, 8);
      const bytesA = v128.load(a);
      const bytesB = v128.load(b);
      const rowA = i8x16.relaxed_swizzle(bytesA, redAndGreen);
      const rowB = i8x16.relaxed_swizzle(bytesB, redAndGreen);
      const both = v128.or(i8x16.relaxed_swizzle(bytesA, blue), i8x16.relaxed_swizzle(bytesB, blueBehind));
      highA = i32x4.add(highA, i32x4.dot_i16x8_s(rowA, high));
      lowA = i32x4.add(lowA, i32x4.dot_i16x8_s(rowA, low));
      highB = i32x4.add(highB, i32x4.dot_i16x8_s(rowB, high));
      lowB = i32x4.add(lowB, i32x4.dot_i16x8_s(rowB, low));
      highBlue = i32x4.add(highBlue, i32x4.dot_i16x8_s(both, high));
      lowBlue = i32x4.add(lowBlue, i32x4.dot_i16x8_s(both, low));
      weights += 4 * WEIGHT;
      a += 12;
      b += 12;
    }
    // Red and green of the first row, then of the second; blue of both.
    const colours = rounded(neighbours(highA, highB), neighbours(lowA, lowB));
    const blues = rounded(neighbours(highBlue, highBlue), neighbours(lowBlue, lowBlue));
    const words = i16x8.narrow_i32x4_s(colours, blues);
    const pixels = i8x16.swizzle(i8x16.narrow_i16x8_u(words, words), order);
    v128.store16_lane(firstTarget, pixels, 0);
    v128.store8_lane(firstTarget + 2, pixels, 2);
    v128.store16_lane(secondTarget, pixels, 2);
    v128.store8_lane(secondTarget + 2, pixels, 6);
    firstTarget += 3;
    secondTarget += 3;
  }
}

/**
 * Computes one row as the weighted sum of rows of bytes.
 * @param ring rows of `stride` bytes, a multiple of 16; the last row is followed by the first
 * @param rows how many rows the ring has
 * @param at index of the first row that has a weight
 * @param weights weights in pairs: two high parts, then two low parts
 * @param count number of weights, even
 * @param target address of the result, `stride` bytes
 */
export function resizeColumns(
  ring: usize,
  stride: usize,
  rows: i32,
  at: i32,
  weights: usize,
  count: i32,
  target: usize,
): void {
  const end = weights + <usize>count * WEIGHT;
  const last = ring + <usize>(rows - 1) * stride;
  const begin = ring + <usize>at * stride;
  for (let x: usize = 0; x < stride; x += 16) {
    let a = begin + x;
    let high0 = i64x2.splat(0);
    let high1 = high0;
    let high2 = high0;
    let high3 = high0;
    let low0 = high0;
    let low1 = high0;
    let low2 = high0;
    let low3 = high0;
    const lastHere = last + x;
    const firstHere = ring + x;
    for (let pair = weights; pair < end; pair += 2 * WEIGHT) {
      const b = a === lastHere ? firstHere : a + stride;
      const bytesA = v128.load(a);
      const bytesB = v128.load(b);
      a = b === lastHere ? firstHere : b + stride;
      const high = v128.load32_splat(pair);
      const low = v128.load32_splat(pair, 4);
      const left = i8x16.shuffle(bytesA, bytesB, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const right = i8x16.shuffle(bytesA, bytesB, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const words0 = i16x8.extend_low_i8x16_u(left);
      const words1 = i16x8.extend_high_i8x16_u(left);
      const words2 = i16x8.extend_low_i8x16_u(right);
      const words3 = i16x8.extend_high_i8x16_u(right);
      high0 = i32x4.add(high0, i32x4.dot_i16x8_s(words0, high));
      low0 = i32x4.add(low0, i32x4.dot_i16x8_s(words0, low));
      high1 = i32x4.add(high1, i32x4.dot_i16x8_s(words1, high));
      low1 = i32x4.add(low1, i32x4.dot_i16x8_s(words1, low));
      high2 = i32x4.add(high2, i32x4.dot_i16x8_s(words2, high));
      low2 = i32x4.add(low2, i32x4.dot_i16x8_s(words2, low));
      high3 = i32x4.add(high3, i32x4.dot_i16x8_s(words3, high));
      low3 = i32x4.add(low3, i32x4.dot_i16x8_s(words3, low));
    }
    const words01 = i16x8.narrow_i32x4_s(rounded(high0, low0), rounded(high1, low1));
    const words23 = i16x8.narrow_i32x4_s(rounded(high2, low2), rounded(high3, low3));
    v128.store(target + x, i8x16.narrow_i16x8_u(words01, words23));
  }
}

/**
 * Encodes bytes in base64 (RFC 4648).
 * @param source address of the bytes; up to 15 bytes after the last one are read
 * @param count number of bytes, a multiple of three
 * @param target address of the result, count / 3 × 4 bytes; up to 12 bytes after them are written
 */
export function encodeBase64(source: usize, count: usize, target: usize): void {
  const triples = v128.load(TRIPLES);
  const offsets = v128.load(OFFSETS);
  const six = i32x4.splat(0x3f);
  const end = source + count;
  while (source < end) {
    const numbers = i8x16.relaxed_swizzle(v128.load(source), triples);
    const first = v128.and(i32x4.shr_u(numbers, 18), six);
    const second = v128.and(i32x4.shl(i32x4.shr_u(numbers, 12), 8), i32x4.shl(six, 8));
    const third = v128.and(i32x4.shl(i32x4.shr_u(numbers, 6), 16), i32x4.shl(six, 16));
    const fourth = i32x4.shl(numbers, 24);
    const values = v128.or(v128.or(first, second), v128.or(third, v128.and(fourth, i32x4.shl(six, 24))));
    // Index into OFFSETS: 0 for lower case, 1 to 12 for digits, `+` and `/`, 13 for upper case.
    const isUpper = i8x16.lt_u(values, i8x16.splat(26));
    const kinds = v128.or(i8x16.sub_sat_u(values, i8x16.splat(51)), v128.and(isUpper, i8x16.splat(13)));
    v128.store(target, i8x16.add(values, i8x16.relaxed_swizzle(offsets, kinds)));
    source += 12;
    target += 16;
  }
}
