import { readFileSync } from 'node:fs';
import type { FrameSize } from '../../schemas/reward.ts';
import { type Kernel, kernel, type Rounding, writeWeights } from './resample-kernel.ts';

/**
 * Resizes RGB pixels exactly as Pillow's Image.resize(size, BICUBIC) does, without regard to the aspect ratio. The
 * reference's numbers depend on these pixels, and no JavaScript library produces the same (sharp's cubic kernel differs
 * by up to 12 grey levels when it shrinks and 124 when it enlarges). There are two passes, rows first, of an
 * antialiased cubic filter (a = −0.5) in 22-bit fixed point, rounded to 8 bits in between. Pillow 13 resizes columns
 * first for frames much taller than wide and differs there by a few grey levels. This is Pillow 12, which the reference
 * ran on.
 *
 * A resampler holds a few rows at a time and the weights of the last pair of sizes, not complete frames, because
 * WebAssembly memory never shrinks. Use one per thread.
 */
export interface Resampler {
  /**
   * Resizes a frame.
   * @returns to.height × to.width × 3 bytes, red first; the same array if the size does not change
   */
  rgb(picture: Resizing): Uint8Array;
  /**
   * Resizes a frame and writes its pixels, blue first, in base64: to.height × to.width × 4 characters.
   * @param at offset in the target
   */
  blueFirstText(picture: Resizing, target: Uint8Array, at: number): void;
}

/** A frame and the size to which it is resized. */
export interface Resizing {
  /** from.height × from.width × 3 bytes, red first */
  pixels: Uint8Array;
  from: FrameSize;
  to: FrameSize;
  /** Absent: as in Pillow. */
  rounding?: Rounding;
  /** Called before each row of the result; throws to stop. */
  check?: () => void;
}

/** The exports of src/frames/wasm/resample.ts. Numbers are addresses in its memory, and counts. */
interface Passes {
  memory: WebAssembly.Memory;
  heapBase: { value: number };
  resizeRows(
    first: number,
    second: number,
    firstTarget: number,
    secondTarget: number,
    columns: number,
    spans: number,
    weights: number,
    swap: boolean,
  ): void;
  resizeColumns(
    ring: number,
    stride: number,
    rows: number,
    at: number,
    weights: number,
    count: number,
    target: number,
  ): void;
  encodeBase64(source: number, count: number, target: number): void;
}

/** The layout of the WebAssembly memory for one pair of sizes and one rounding: addresses and counts. */
interface Layout {
  from: FrameSize;
  to: FrameSize;
  rounding: Rounding;
  columns: Kernel;
  rows: Kernel;
  spans: number;
  columnWeights: number;
  rowWeights: number;
  input: number;
  /** how many rows of the intermediate image are held at once */
  ringRows: number;
  ring: number;
  ringStride: number;
  output: number;
  text: number;
}

/** Bytes of the two parts of a weight. */
const WEIGHT_BYTES = 4;
/** How many weights one step of each pass processes. */
const COLUMN_GROUP = 4;
const ROW_GROUP = 2;
/** How many bytes of input are copied at once, but at least two rows: they should stay in the processor's cache. */
const INPUT_BYTES = 64 * 1024;
/** Bytes of one vector. */
const VECTOR = 16;
const PAGE_BYTES = 64 * 1024;

const MODULE = new WebAssembly.Module(readFileSync(new URL('./wasm/resample.wasm', import.meta.url)));

/** Creates a resampler for one thread. */
export function createResampler(): Resampler {
  const passes = new WebAssembly.Instance(MODULE).exports as unknown as Passes;
  const { memory, resizeRows, resizeColumns, encodeBase64 } = passes;
  let layout: Layout | undefined;

  function layoutOf({ from, to, rounding = 'pillow' }: Resizing): Layout {
    if (!layout || !isSame(layout.from, from) || !isSame(layout.to, to) || layout.rounding !== rounding)
      layout = layOut(passes, from, to, rounding);
    return layout;
  }

  /** Computes the rows of the result one after another, at the address `output`. Yields the number of each row. */
  function* resized(picture: Resizing, swap: boolean): Generator<number> {
    const { pixels, from, to, check } = picture;
    const { rows, spans, columnWeights, rowWeights, input, ringRows, ring, ringStride, output } = layoutOf(picture);
    const bytes = new Uint8Array(memory.buffer);
    const stride = from.width * 3;
    const most = Math.max(2, Math.floor(INPUT_BYTES / stride));
    const place = (row: number) => ring + (row % ringRows) * ringStride;
    let done = 0;
    for (const [out, { start, count, padded, first }] of rows.spans.entries()) {
      check?.();
      const end = start + count;
      while (done < end) {
        const more = Math.min(most, end - done);
        bytes.set(pixels.subarray(done * stride, (done + more) * stride), input);
        for (let row = 0; row < more; row += 2) {
          // If the number of rows is odd, the last row is resized twice, to the same address.
          const next = Math.min(row + 1, more - 1);
          const [upper, lower] = [input + row * stride, input + next * stride];
          resizeRows(upper, lower, place(done + row), place(done + next), to.width, spans, columnWeights, swap);
        }
        done += more;
      }
      const weights = rowWeights + first * WEIGHT_BYTES;
      resizeColumns(ring, ringStride, ringRows, start % ringRows, weights, padded, output);
      yield out;
    }
  }

  return {
    rgb(picture) {
      const { pixels, from, to } = picture;
      if (isSame(from, to)) return pixels;
      const { output } = layoutOf(picture);
      const stride = to.width * 3;
      const row = new Uint8Array(memory.buffer, output, stride);
      const result = new Uint8Array(to.height * stride);
      for (const out of resized(picture, false)) result.set(row, out * stride);
      return result;
    },
    blueFirstText(picture, target, at) {
      const { to } = picture;
      const { output, text } = layoutOf(picture);
      const stride = to.width * 4;
      const row = new Uint8Array(memory.buffer, text, stride);
      for (const out of resized(picture, true)) {
        encodeBase64(output, to.width * 3, text);
        target.set(row, at + out * stride);
      }
    },
  };
}

function isSame(a: FrameSize, b: FrameSize): boolean {
  return a.width === b.width && a.height === b.height;
}

/** Computes the weights for a pair of sizes and lays out the memory. Grows the memory if necessary. */
function layOut({ memory, heapBase }: Passes, from: FrameSize, to: FrameSize, rounding: Rounding): Layout {
  const columns = kernel(from.width, to.width, COLUMN_GROUP, rounding);
  const rows = kernel(from.height, to.height, ROW_GROUP, rounding);
  const ringStride = Math.ceil((to.width * 3) / VECTOR) * VECTOR;
  const ringRows = rows.width;
  let next = heapBase.value;
  const take = (bytes: number) => {
    const start = Math.ceil(next / VECTOR) * VECTOR;
    // Leave one more vector, because the last vector may be read or written beyond the end.
    next = start + bytes + VECTOR;
    return start;
  };
  const places = {
    spans: take(to.width * 8),
    columnWeights: take(columns.weights.length * WEIGHT_BYTES),
    rowWeights: take(rows.weights.length * WEIGHT_BYTES),
    input: take(Math.max(INPUT_BYTES, 2 * from.width * 3)),
    ring: take(ringRows * ringStride),
    output: take(ringStride),
    text: take(to.width * 4),
  };
  const lacking = next - memory.buffer.byteLength;
  if (lacking > 0) memory.grow(Math.ceil(lacking / PAGE_BYTES));
  const spans = new Uint32Array(memory.buffer, places.spans, to.width * 2);
  for (const [column, { start, padded }] of columns.spans.entries()) {
    spans[2 * column] = start * 3;
    spans[2 * column + 1] = padded;
  }
  writeWeights(new Int16Array(memory.buffer, places.columnWeights, columns.weights.length * 2), columns);
  writeWeights(new Int16Array(memory.buffer, places.rowWeights, rows.weights.length * 2), rows);
  return { from, to, rounding, columns, rows, ringRows, ringStride, ...places };
}
