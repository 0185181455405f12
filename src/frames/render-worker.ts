import { createHash } from 'node:crypto';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import sharp from 'sharp';
import type { FrameSize } from '../plan/frame-size.ts';
import { letGo } from './let-go.ts';
import { pillowBicubic } from './resample.ts';
import { type StopFlag, stopCheck } from './stop-flag.ts';

/** How the pixels of a frame leave the renderer. */
export type FrameEncoding = 'rgb' | 'png' | 'jpeg';

export interface RenderTask {
  /** An image file, or raw RGB pixels. The worker lets them go. */
  bytes: Uint8Array;
  kind: 'file' | 'rgb';
  /** The frame's own size; a file that decodes to another one is damaged. */
  from: FrameSize;
  to: FrameSize;
  encoding: FrameEncoding;
  /** Raised when nobody waits for the frame any more. */
  stop: StopFlag;
}

export interface RenderedFrame {
  bytes: Uint8Array;
  /** SHA-256 of the bytes that came, in hex. */
  digest: string;
}

/** Longest time of libvips with one frame. The largest one that is taken needs a second. */
const CODEC_TIMEOUT_S = 30;

// Low effort: the bytes stay on one machine or its neighbour, and time is what an episode is short of.
const PNG = { compressionLevel: 1 };
const JPEG = { quality: 95, chromaSubsampling: '4:4:4' };

// Parallelism comes from the worker threads; one episode's frames need no cache.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes, resizes and encodes one frame. Pictures on the way are let go as soon as the next one is there.
 * @throws Error when the file is truncated or damaged, takes too long, or is not wanted any more
 */
export default async function render({ bytes, kind, from, to, encoding, stop }: RenderTask): Promise<RenderedFrame> {
  const check = stopCheck(stop);
  check();
  const digest = createHash('sha256').update(bytes).digest('hex');
  const source = kind === 'rgb' ? bytes : await decode(bytes, from);
  if (source !== bytes) letGo(bytes);
  check();
  const pixels = pillowBicubic(source, from, to, check);
  if (pixels !== source) letGo(source);
  check();
  const rendered = encoding === 'rgb' ? ownCopy(pixels) : await encode(pixels, to, encoding);
  letGo(pixels);
  const frame = { bytes: rendered, digest };
  return move({ ...frame, [transferableSymbol]: [rendered.buffer], [valueSymbol]: frame }) as unknown as RenderedFrame;
}

/** RGB as Pillow's convert("RGB") gives it: colour profiles and orientation ignored, grey spread, alpha dropped. */
async function decode(file: Uint8Array, { width, height }: FrameSize): Promise<Uint8Array> {
  const image = sharp(file, { ignoreIcc: true, limitInputPixels: width * height, failOn: 'warning' });
  const rgb = image.removeAlpha().toColourspace('srgb').timeout({ seconds: CODEC_TIMEOUT_S });
  const pixels = await rgb.raw().toBuffer();
  if (pixels.length !== width * height * 3) throw new Error('The file does not decode to the size in its header.');
  return pixels;
}

/** @returns bytes of their own memory, which can be handed to another thread; those of sharp cannot */
async function encode(pixels: Uint8Array, size: FrameSize, encoding: FrameEncoding): Promise<Uint8Array<ArrayBuffer>> {
  const image = sharp(pixels, { raw: { ...size, channels: 3 } }).timeout({ seconds: CODEC_TIMEOUT_S });
  const file = await (encoding === 'png' ? image.png(PNG) : image.jpeg(JPEG)).toBuffer();
  return ownCopy(file);
}

function ownCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  letGo(bytes);
  return copy;
}
