import type { FrameSize } from '../plan/frame-size.ts';
import { ascii, chunk, uint32 } from './riff.ts';

/** How a frame stands in an AVI file: `raw`, height × width × 3 bytes, blue first; or as an image file. */
export type AviEncoding = 'raw' | 'png' | 'jpeg';

/** Names of the chunks of uncompressed and of compressed frames. */
const NAMES = { raw: '00db', png: '00dc', jpeg: '00dc' } as const;

/** Bytes that become text at once: a multiple of three, and too few for V8 to treat the text as a large object. */
const SLICE_BYTES = 48 * 1024;

/**
 * A frame as a chunk of an AVI file, in base64. Chunks of JUNK around it make it a multiple of three bytes: the texts of frames
 * and of what stands around them make up a file's text as they are.
 * @returns ASCII, in memory of its own
 */
export function aviFrame(frame: Uint8Array, encoding: AviEncoding): Buffer<ArrayBuffer> {
  const { before, after } = around(frame.length, encoding);
  return base64(Buffer.concat([before, frame, after]));
}

/**
 * The same for an uncompressed frame, with room for its pixels: height × width × 4 characters.
 * @returns where in the text the room begins
 */
export function emptyRawFrame({ width, height }: FrameSize): { text: Buffer<ArrayBuffer>; at: number } {
  const { before, after } = around(width * height * 3, 'raw');
  const [start, end] = [base64(before), base64(after)];
  const room = width * height * 4;
  const text = Buffer.allocUnsafeSlow(start.length + room + end.length);
  text.set(start);
  text.set(end, start.length + room);
  return { text, at: start.length };
}

/** What stands in front of a frame of so many bytes, a multiple of three, and what behind it. */
function around(length: number, encoding: AviEncoding): { before: Buffer; after: Buffer } {
  const before = [...chunk('JUNK', Buffer.alloc(2)), ascii(NAMES[encoding]), uint32(length)];
  const padding = Buffer.alloc(length % 2);
  const excess = (length + padding.length) % 3;
  // An empty chunk has 8 bytes, which leave two.
  const junk = excess === 0 ? [] : chunk('JUNK', Buffer.alloc(excess === 1 ? 0 : 2));
  return { before: Buffer.concat(before), after: Buffer.concat([padding, ...junk]) };
}

/** @param bytes a multiple of three, or the end of a text */
export function base64(bytes: Buffer): Buffer<ArrayBuffer> {
  const text = Buffer.allocUnsafeSlow(Math.ceil(bytes.length / 3) * 4);
  for (let from = 0, to = 0; from < bytes.length; from += SLICE_BYTES)
    to += text.write(bytes.toString('base64', from, from + SLICE_BYTES), to, 'latin1');
  return text;
}
