import type { FrameSize } from '../../plan/frame-size.ts';

/** Stream format of the frames in an AVI file. */
const FOURCC = { png: 'MPNG', jpeg: 'MJPG' } as const;

/** vLLM prints a block's time from the file's frame rate; 0.0 needs a rate so high that the mean of two frames rounds to it. */
const RATE_AT_ZERO = 1_000_000;

/**
 * A video file of two frames at such a rate that vLLM writes a block's time as wanted: its two frames stand at 0 and
 * 1/rate, their mean is 0.5/rate, so the rate is 0.5/t. Its arithmetic comes out right for every tenth of a second up to
 * 10,000 s; files were read by vLLM 0.32 at a sample of them.
 * The smallest AVI that its reader takes: headers and two chunks, no index.
 * @param frames two PNG or JPEG files of this size
 * @param time the block's time with one decimal, in seconds
 */
export function twoFrameAvi(
  frames: [Uint8Array, Uint8Array],
  { width, height }: FrameSize,
  encoding: 'png' | 'jpeg',
  time: string,
): Buffer {
  const tenths = Math.round(Number(time) * 10);
  const [rate, scale] = tenths === 0 ? [RATE_AT_ZERO, 1] : [5, tenths];
  const fourcc = FOURCC[encoding];
  const largest = Math.max(frames[0].length, frames[1].length);
  const microseconds = Math.min(Math.round((1e6 * scale) / rate), 0xffffffff);
  const zeros = [0, 0, 0, 0];
  const avih = chunk('avih', uint32(microseconds, 0, 0, 0, 2, 0, 1, largest, width, height, ...zeros));
  const timing = uint32(0, 0, 0, scale, rate, 0, 2, largest, 0xffffffff, 0);
  const strh = chunk('strh', ascii('vids'), ascii(fourcc), timing, uint16(0, 0, width, height));
  const planesAndDepth = uint16(1, 24);
  const strf = chunk(
    'strf',
    uint32(40, width, height),
    planesAndDepth,
    ascii(fourcc),
    uint32(width * height * 3, ...zeros),
  );
  const headers = list('hdrl', avih, list('strl', strh, strf));
  const movie = list('movi', ...frames.map((frame) => chunk('00dc', frame)));
  return Buffer.concat(chunk('RIFF', ascii('AVI '), ...headers, ...movie));
}

/** Bytes around the two frames: every header, and none of them depends on the frames. */
const OVERHEAD = twoFrameAvi([new Uint8Array(), new Uint8Array()], { width: 0, height: 0 }, 'png', '0.0').length;

/** Length of the file that twoFrameAvi makes of two frames, in bytes. */
export function aviLength(first: Uint8Array, second: Uint8Array): number {
  return OVERHEAD + first.length + (first.length % 2) + second.length + (second.length % 2);
}

/** A RIFF chunk, padded to an even length as the format wants: in pieces, so that frames are copied once. */
function chunk(id: string, ...parts: Uint8Array[]): Uint8Array[] {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const padding = Buffer.alloc(size % 2);
  return [ascii(id), uint32(size), ...parts, padding];
}

function list(type: string, ...chunks: Uint8Array[][]): Uint8Array[] {
  return chunk('LIST', ascii(type), ...chunks.flat());
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value, i * 4);
  });
  return bytes;
}

function uint16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    bytes.writeUInt16LE(value, i * 2);
  });
  return bytes;
}
