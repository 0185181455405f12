import { readFileSync } from 'node:fs';
import type { FrameSize } from '../plan/frame-size.ts';
import { type Kernel, kernel, writeWeights } from './resample-kernel.ts';

/**
 * Resizes RGB pixels as Pillow's Image.resize(size, BICUBIC) does, to the last bit, aspect ratio ignored. The reference's
 * numbers depend on it and no JavaScript library gives the same pixels (sharp's cubic kernel is off by up to 12 grey levels
 * on shrinking and 124 on enlarging). Two passes, rows first, of an antialiased cubic (a = −0.5) in 22-bit fixed point,
 * rounded to 8 bits in between. Pillow 13 takes columns first on frames much taller than wide and differs there by a few
 * grey levels; this is Pillow 12, which the paper's code ran on.
 *
 * It holds a few rows at a time and the weights of the last pair of sizes, not whole pictures: memory of WebAssembly never
 * shrinks. One is for one thread.
 */
export interface Resampler {
  /** @returns to.height × to.width × 3 bytes, red first; the same array where the size does not change */
  rgb(picture: Resizing): Uint8Array;
  /**
   * Writes the pixels blue first, in base64: to.height × to.width × 4 characters.
   * @param at where in the target they begin
   */
  blueFirstText(picture: Resizing, target: Uint8Array, at: number): void;
}

/** A picture and what becomes of it. */
export interface Resizing {
  /** from.height × from.width × 3 bytes, red first */
  pixels: Uint8Array;
  from: FrameSize;
  to: FrameSize;
  /** Called before each row of the result; throws to stop. */
  check?: () => void;
}

/** What src/frames/wasm/resample.ts exports. Numbers are addresses in its memory, and counts. */
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

/** Where everything stands in the memory of WebAssembly, for one pair of sizes. */
interface Layout {
  from: FrameSize;
  to: FrameSize;
  columns: Kernel;
  rows: Kernel;
  spans: number;
  columnWeights: number;
  rowWeights: number;
  input: number;
  /** rows of the picture between the two passes that are held at once */
  ringRows: number;
  ring: number;
  ringStride: number;
  output: number;
  text: number;
}

/** Bytes of a weight's two parts. */
const WEIGHT_BYTES = 4;
/** Weights that a step of each pass takes. */
const COLUMN_GROUP = 4;
const ROW_GROUP = 2;
/** Bytes of input that are copied at once, at least two rows: they should stay in the processor's cache. */
const INPUT_BYTES = 64 * 1024;
/** Bytes of one vector. */
const VECTOR = 16;
const PAGE_BYTES = 64 * 1024;

const MODULE = new WebAssembly.Module(readFileSync(new URL('./wasm/resample.wasm', import.meta.url)));

export function createResampler(): Resampler {
  const passes = new WebAssembly.Instance(MODULE).exports as unknown as Passes;
  const { memory, resizeRows, resizeColumns, encodeBase64 } = passes;
  let layout: Layout | undefined;

  function layoutOf(from: FrameSize, to: FrameSize): Layout {
    if (!layout || !isSame(layout.from, from) || !isSame(layout.to, to)) layout = layOut(passes, from, to);
    return layout;
  }

  /** Makes one row of the result after another, at `output`. @returns the numbers of rows */
  function* resized({ pixels, from, to, check }: Resizing, swap: boolean): Generator<number> {
    const { rows, spans, columnWeights, rowWeights, input, ringRows, ring, ringStride, output } = layoutOf(from, to);
    const bytes = new Uint8Array(memory.buffer);
    const stride = from.width * 3;
    const most = Math.max(2, Math.floor(INPUT_BYTES / stride));
    const place = (row: number) => ring + (row % ringRows) * ringStride;
    let done = 0;
    for (let out = 0; out < to.height; out += 1) {
      check?.();
      const start = rows.starts[out] as number;
      const end = start + (rows.counts[out] as number);
      while (done < end) {
        const more = Math.min(most, end - done);
        bytes.set(pixels.subarray(done * stride, (done + more) * stride), input);
        for (let row = 0; row < more; row += 2) {
          // An odd last row is resized twice, to the same place.
          const next = Math.min(row + 1, more - 1);
          const [first, second] = [input + row * stride, input + next * stride];
          resizeRows(first, second, place(done + row), place(done + next), to.width, spans, columnWeights, swap);
        }
        done += more;
      }
      const weights = rowWeights + (rows.firsts[out] as number) * WEIGHT_BYTES;
      resizeColumns(ring, ringStride, ringRows, start % ringRows, weights, rows.padded[out] as number, output);
      yield out;
    }
  }

  return {
    rgb(picture) {
      const { pixels, from, to } = picture;
      if (isSame(from, to)) return pixels;
      const { output } = layoutOf(from, to);
      const stride = to.width * 3;
      const row = new Uint8Array(memory.buffer, output, stride);
      const result = new Uint8Array(to.height * stride);
      for (const out of resized(picture, false)) result.set(row, out * stride);
      return result;
    },
    blueFirstText(picture, target, at) {
      const { from, to } = picture;
      const { output, text } = layoutOf(from, to);
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

/** Makes the weights of a pair of sizes and gives everything its place, in more memory where it takes that. */
function layOut({ memory, heapBase }: Passes, from: FrameSize, to: FrameSize): Layout {
  const columns = kernel(from.width, to.width, COLUMN_GROUP);
  const rows = kernel(from.height, to.height, ROW_GROUP);
  const ringStride = Math.ceil((to.width * 3) / VECTOR) * VECTOR;
  const ringRows = rows.width;
  let next = heapBase.value;
  const take = (bytes: number) => {
    const start = Math.ceil(next / VECTOR) * VECTOR;
    // A vector more: the last one may be read or written beyond the end.
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
  for (let column = 0; column < to.width; column += 1) {
    spans[2 * column] = (columns.starts[column] as number) * 3;
    spans[2 * column + 1] = columns.padded[column] as number;
  }
  writeWeights(new Int16Array(memory.buffer, places.columnWeights, columns.weights.length * 2), columns);
  writeWeights(new Int16Array(memory.buffer, places.rowWeights, rows.weights.length * 2), rows);
  return { from, to, columns, rows, ringRows, ringStride, ...places };
}
