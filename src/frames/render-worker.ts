import { createHash } from 'node:crypto';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import sharp, { type Sharp } from 'sharp';
import { lowerThreadPriority } from '../low-priority.ts';
import type { FrameSize } from '../plan/frame-size.ts';
import { type AviEncoding, aviFrame, emptyRawFrame } from './avi-frame.ts';
import { letGo } from './let-go.ts';
import { createResampler, type Resizing } from './resample.ts';
import { type StopFlag, stopCheck } from './stop-flag.ts';

/** How the pixels of a frame leave the renderer: three bytes each, red first, or as a text of aviFrame. */
export type FrameEncoding = 'rgb' | AviEncoding;

export interface RenderTask {
  /** An image file, or raw RGB pixels. The worker lets them go. */
  bytes: Uint8Array;
  /** SHA-256 of them in hex, where it is known */
  digest: string | undefined;
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

/** Longest time of libvips with one frame. The largest one that is taken needs a second, a progressive JPEG of a hundred scans more. */
const CODEC_TIMEOUT_S = 30;
/** A frame of so many pixels cannot take that long, and counting costs a tenth of the time. */
const UNTIMED_PIXELS = 2 ** 22;

// Low effort: the bytes stay on one machine or its neighbour, and time is what an episode is short of.
const PNG = { compressionLevel: 1 };
const JPEG = { quality: 95, chromaSubsampling: '4:4:4' };

lowerThreadPriority();
// Parallelism comes from the worker threads; one episode's frames need no cache.
sharp.concurrency(1);
sharp.cache(false);
const resampler = createResampler();

/**
 * Decodes, resizes and encodes one frame. Pictures on the way are let go as soon as the next one is there.
 * @throws Error when the file is truncated or damaged, takes too long, or is not wanted any more
 */
export default async function render({
  bytes,
  digest: known,
  kind,
  from,
  to,
  encoding,
  stop,
}: RenderTask): Promise<RenderedFrame> {
  const check = stopCheck(stop);
  check();
  const digest = known ?? createHash('sha256').update(bytes).digest('hex');
  const pixels = kind === 'rgb' ? bytes : await decode(bytes, from);
  if (pixels !== bytes) letGo(bytes);
  check();
  const rendered = await resize({ pixels, from, to, check }, encoding);
  if (rendered !== pixels) letGo(pixels);
  const frame = { bytes: rendered, digest };
  return move({
    ...frame,
    [transferableSymbol]: [rendered.buffer as ArrayBuffer],
    [valueSymbol]: frame,
  }) as unknown as RenderedFrame;
}

/** RGB as Pillow's convert("RGB") gives it: colour profiles and orientation ignored, grey spread, alpha dropped. */
async function decode(file: Uint8Array, size: FrameSize): Promise<Uint8Array> {
  const pixelCount = size.width * size.height;
  const image = sharp(file, { ignoreIcc: true, limitInputPixels: pixelCount, failOn: 'warning' });
  const pixels = await timed(image.removeAlpha().toColourspace('srgb').raw(), size).toBuffer();
  if (pixels.length !== pixelCount * 3) throw new Error('The file does not decode to the size in its header.');
  return pixels;
}

function timed(image: Sharp, { width, height }: FrameSize): Sharp {
  return width * height > UNTIMED_PIXELS ? image.timeout({ seconds: CODEC_TIMEOUT_S }) : image;
}

/** @returns memory of its own, which can be handed to another thread; that of sharp cannot */
async function resize(picture: Resizing, encoding: FrameEncoding): Promise<Uint8Array> {
  if (encoding === 'raw') {
    const { text, at } = emptyRawFrame(picture.to);
    resampler.blueFirstText(picture, text, at);
    return text;
  }
  const pixels = resampler.rgb(picture);
  if (encoding === 'rgb') return pixels === picture.pixels ? Uint8Array.from(pixels) : pixels;
  const image = timed(sharp(pixels, { raw: { ...picture.to, channels: 3 } }), picture.to);
  const file = await (encoding === 'png' ? image.png(PNG) : image.jpeg(JPEG)).toBuffer();
  const text = aviFrame(file, encoding);
  letGo(file);
  if (pixels !== picture.pixels) letGo(pixels);
  return text;
}
