import type { FrameSize } from '../../../schemas/reward.ts';
import { type AviEncoding, base64 } from '../../frames/avi-frame.ts';
import { ascii, chunk, lengthOf, list, uint16, uint32 } from '../../frames/riff.ts';

/** Codec names (FourCC). For uncompressed frames it is zero (BI_RGB). */
const FOURCC = { raw: '\0\0\0\0', png: 'MPNG', jpeg: 'MJPG' } as const;

/** vLLM derives a block's time from the file's frame rate. This rate is high enough for the time to round to 0.0. */
const RATE_AT_ZERO = 1_000_000;

/** What an AVI file says about its two frames. */
interface AviFormat {
  size: FrameSize;
  encoding: AviEncoding;
  /** the block's time with one decimal, in seconds */
  time: string;
}

/**
 * Makes a video file of two frames, in base64. Its frame rate makes vLLM write the block's time: the two frames are at
 * 0 and 1/rate, their mean is 0.5/rate, so the rate is 0.5/time. vLLM's arithmetic gives the right text for every tenth
 * of a second up to 10,000 s; a sample of such files was read by vLLM 0.32. The file is the smallest AVI that vLLM's
 * reader accepts: headers and two chunks, no index.
 * @param frames base64 texts from aviFrame, in the encoding and size of the format; not copied
 * @returns the text in pieces
 */
export function twoFrameAvi(
  frames: [Uint8Array, Uint8Array],
  { size: { width, height }, encoding, time }: AviFormat,
): Uint8Array[] {
  const tenths = Math.round(Number(time) * 10);
  const [rate, scale] = tenths === 0 ? [RATE_AT_ZERO, 1] : [5, tenths];
  const fourcc = FOURCC[encoding];
  // A negative height means that rows go from top to bottom. Rows from bottom to top corrupt the heap of vLLM's reader
  // (OpenCV) and crash its process.
  const signedHeight = encoding === 'raw' ? 2 ** 32 - height : height;
  const [first, second] = frames;
  const lengths = [bytesOfText(first), bytesOfText(second)] as const;
  const largest = Math.max(...lengths);
  const microseconds = Math.min(Math.round((1e6 * scale) / rate), 0xffffffff);
  const zeros = [0, 0, 0, 0];
  const avih = chunk('avih', uint32(microseconds, 0, 0, 0, 2, 0, 1, largest, width, height, ...zeros));
  const timing = uint32(0, 0, 0, scale, rate, 0, 2, largest, 0xffffffff, 0);
  const strh = chunk('strh', ascii('vids'), ascii(fourcc), timing, uint16(0, 0, width, height));
  const format = [uint32(40, width, signedHeight), uint16(1, 24), ascii(fourcc), uint32(width * height * 3, ...zeros)];
  const headers = list('hdrl', avih, list('strl', strh, chunk('strf', ...format)));
  // Two bytes of JUNK make the length of the start a multiple of three, so its base64 has no padding.
  const movie = [...chunk('JUNK', Buffer.alloc(2)), ascii('LIST'), uint32(4 + lengths[0] + lengths[1]), ascii('movi')];
  const rest = [ascii('AVI '), ...headers, ...movie];
  const start = [ascii('RIFF'), uint32(lengthOf(rest) + lengths[0] + lengths[1]), ...rest];
  return [base64(Buffer.concat(start)), ...frames];
}

/** Number of bytes in a base64 text without padding. */
function bytesOfText(text: Uint8Array): number {
  return (text.length / 4) * 3;
}

/** Characters of base64 before the two frames. */
const START = 312;

/** Length of the text that twoFrameAvi returns, in characters. */
export function aviLength(first: Uint8Array, second: Uint8Array): number {
  return START + first.length + second.length;
}
