import type { FrameSize } from '../../schemas/reward.ts';
import { ascii, chunk, uint32 } from './riff.ts';

/** Encoding of a frame in an AVI file: `raw` means height × width × 3 bytes, blue first; the others are image files. */
export type AviEncoding = 'raw' | 'png' | 'jpeg';

/** Names of the chunks of uncompressed and of compressed frames. */
const NAMES = { raw: '00db', png: '00dc', jpeg: '00dc' } as const;

/** Bytes encoded per step: a multiple of three, and small enough that V8 does not treat the text as a large object. */
const SLICE_BYTES = 48 * 1024;

/**
 * Encodes a frame as a chunk of an AVI file, in base64. JUNK chunks around it make its length a multiple of three
 * bytes, so that the base64 of a file is the plain concatenation of the base64 of its parts.
 * @returns base64 text in ASCII, in a buffer of its own
 */
export function aviFrame(frame: Uint8Array, encoding: AviEncoding): Buffer<ArrayBuffer> {
  const { before, after } = around(frame.length, encoding);
  return base64(Buffer.concat([before, frame, after]));
}

/**
 * Makes the same text for an uncompressed frame whose pixels are written later: height × width × 4 characters are left
 * empty.
 * @returns the text, and the offset `at` where the pixels go
 */
export function emptyRawFrame({ width, height }: FrameSize): { text: Buffer<ArrayBuffer>; at: number } {
  const { before, after } = around(width * height * 3, 'raw');
  const [start, end] = [base64(before), base64(after)];
  const capacity = width * height * 4;
  const text = Buffer.allocUnsafeSlow(start.length + capacity + end.length);
  text.set(start);
  text.set(end, start.length + capacity);
  return { text, at: start.length };
}

/** Makes the bytes before and after a frame of `length` bytes. `before` is a multiple of three bytes long. */
function around(length: number, encoding: AviEncoding): { before: Buffer; after: Buffer } {
  const before = [...chunk('JUNK', Buffer.alloc(2)), ascii(NAMES[encoding]), uint32(length)];
  const padding = Buffer.alloc(length % 2);
  const excess = (length + padding.length) % 3;
  // An empty chunk has 8 bytes, and 8 modulo 3 is 2.
  const junk = excess === 0 ? [] : chunk('JUNK', Buffer.alloc(excess === 1 ? 0 : 2));
  return { before: Buffer.concat(before), after: Buffer.concat([padding, ...junk]) };
}

/** Encodes bytes in base64. @param bytes their number is a multiple of three, unless they are the end of a text */
export function base64(bytes: Buffer): Buffer<ArrayBuffer> {
  const text = Buffer.allocUnsafeSlow(Math.ceil(bytes.length / 3) * 4);
  for (let from = 0, to = 0; from < bytes.length; from += SLICE_BYTES)
    to += text.write(bytes.toString('base64', from, from + SLICE_BYTES), to, 'latin1');
  return text;
}
