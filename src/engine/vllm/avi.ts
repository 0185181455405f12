import { type AviEncoding, base64 } from '../../frames/avi-frame.ts';
import { ascii, chunk, lengthOf, list, uint16, uint32 } from '../../frames/riff.ts';
import type { FrameSize } from '../../plan/frame-size.ts';

/** Stream formats. Uncompressed frames have no name but zeros (BI_RGB). */
const FOURCC = { raw: '\0\0\0\0', png: 'MPNG', jpeg: 'MJPG' } as const;

/** vLLM prints a block's time from the file's frame rate; 0.0 needs a rate so high that the mean of two frames rounds to it. */
const RATE_AT_ZERO = 1_000_000;

/** What an AVI file says of its two frames. */
export interface AviFormat {
  size: FrameSize;
  encoding: AviEncoding;
  /** the block's time with one decimal, in seconds */
  time: string;
}

/**
 * A video file of two frames, in base64, at such a rate that vLLM writes a block's time as wanted: its two frames stand at 0 and
 * 1/rate, their mean is 0.5/rate, so the rate is 0.5/t. Its arithmetic comes out right for every tenth of a second up to
 * 10,000 s; files were read by vLLM 0.32 at a sample of them.
 * The smallest AVI that its reader takes: headers and two chunks, no index.
 * @param frames texts of aviFrame, in the encoding and size of the format; not copied
 * @returns the text in pieces
 */
export function twoFrameAvi(
  frames: [Uint8Array, Uint8Array],
  { size: { width, height }, encoding, time }: AviFormat,
): Uint8Array[] {
  const tenths = Math.round(Number(time) * 10);
  const [rate, scale] = tenths === 0 ? [RATE_AT_ZERO, 1] : [5, tenths];
  const fourcc = FOURCC[encoding];
  // A negative height: rows from the top. From the bottom they corrupt the heap of vLLM's reader (OpenCV) and end its process.
  const signedHeight = encoding === 'raw' ? 2 ** 32 - height : height;
  const lengths = frames.map((text) => (text.length / 4) * 3) as [number, number];
  const largest = Math.max(...lengths);
  const microseconds = Math.min(Math.round((1e6 * scale) / rate), 0xffffffff);
  const zeros = [0, 0, 0, 0];
  const avih = chunk('avih', uint32(microseconds, 0, 0, 0, 2, 0, 1, largest, width, height, ...zeros));
  const timing = uint32(0, 0, 0, scale, rate, 0, 2, largest, 0xffffffff, 0);
  const strh = chunk('strh', ascii('vids'), ascii(fourcc), timing, uint16(0, 0, width, height));
  const format = [uint32(40, width, signedHeight), uint16(1, 24), ascii(fourcc), uint32(width * height * 3, ...zeros)];
  const headers = list('hdrl', avih, list('strl', strh, chunk('strf', ...format)));
  // With two bytes of JUNK the start is a multiple of three bytes long.
  const movie = [...chunk('JUNK', Buffer.alloc(2)), ascii('LIST'), uint32(4 + lengths[0] + lengths[1]), ascii('movi')];
  const rest = [ascii('AVI '), ...headers, ...movie];
  const start = [ascii('RIFF'), uint32(lengthOf(rest) + lengths[0] + lengths[1]), ...rest];
  return [base64(Buffer.concat(start)), ...frames];
}

/** Characters of base64 in front of the two frames. */
const START = 312;

/** Length of what twoFrameAvi makes of two frames, in characters. */
export function aviLength(first: Uint8Array, second: Uint8Array): number {
  return START + first.length + second.length;
}
