import { createHash } from 'node:crypto';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import sharp, { type Sharp } from 'sharp';
import type { FrameSize } from '../../schemas/reward.ts';
import type { Resampling } from '../plan/plan.ts';
import { freeBytes } from '../process/free-bytes.ts';
import { lowerThreadPriority } from '../process/low-priority.ts';
import { aviFrame, base64, emptyRawFrame } from './avi-frame.ts';
import { gvlPixels } from './gvl-pixels.ts';
import { pixmap } from './pixmap.ts';
import { publishedPixels } from './published-pixels.ts';
import type { FrameForm } from './rendered.ts';
import { createResampler, type Resizing } from './resample.ts';
import { type StopFlag, stopCheck } from './stop-flag.ts';

/** A frame to render on a worker thread. */
export interface RenderTask {
  /** An image file, or raw RGB pixels. The worker releases this memory. */
  bytes: Uint8Array;
  /** SHA-256 of `bytes` in hex, if it is known */
  digest: string | undefined;
  kind: 'file' | 'rgb';
  /** size of the uploaded frame; a file that decodes to another size is damaged */
  from: FrameSize;
  to: FrameSize;
  resampling: Resampling;
  /** `rgb`: height × width × 3 bytes, red first; files: in base64; the others: base64 texts from aviFrame */
  encoding: FrameForm;
  /** raised when the frame is no longer needed */
  stop: StopFlag;
}

/** A rendered frame. */
export interface RenderedFrame {
  bytes: Uint8Array;
  /** SHA-256 of the uploaded bytes, in hex */
  digest: string;
}

/**
 * Time limit of libvips for one frame. The largest accepted frame needs one second; a progressive JPEG with a hundred
 * scans needs more.
 */
const CODEC_TIMEOUT_S = 30;
/**
 * Frames with at most this many pixels have no time limit: they cannot take that long, and the check costs a tenth of
 * the time.
 */
const UNTIMED_PIXELS = 2 ** 22;

// Low compression effort: the bytes stay on one machine or travel to one nearby, and an episode needs speed more than
// size.
const PNG = { compressionLevel: 1 };
const JPEG = { quality: 95, chromaSubsampling: '4:4:4' };

/** The resamplings of several steps. Their results are square. */
const STEPS = { published: publishedPixels, gvl: gvlPixels };

lowerThreadPriority();
// The worker threads provide the parallelism, and every frame is decoded once, so sharp needs no threads and no cache.
sharp.concurrency(1);
sharp.cache(false);
const resampler = createResampler();

/**
 * Decodes, resizes and encodes one frame. The memory of each intermediate image is released as soon as the next one
 * exists.
 * @returns a RenderedFrame for the calling thread, to which its memory moves
 * @throws Error if the file is truncated or damaged, if it takes too long, or if the stop flag is raised
 */
export default async function render({ bytes, digest: known, kind, from, to, resampling, encoding, stop }: RenderTask) {
  const check = stopCheck(stop);
  check();
  const digest = known ?? createHash('sha256').update(bytes).digest('hex');
  const pixels = kind === 'rgb' ? bytes : await decode(bytes, from);
  if (pixels !== bytes) freeBytes(bytes);
  check();
  const picture: Resizing =
    resampling === 'pillow-bicubic'
      ? { pixels, from, to, check }
      : { pixels: STEPS[resampling](resampler, { pixels, from, check }, to.width), from: to, to, check };
  const rendered = await resize(picture, encoding);
  if (picture.pixels !== pixels) freeBytes(picture.pixels);
  if (rendered !== pixels) freeBytes(pixels);
  const frame: RenderedFrame = { bytes: rendered, digest };
  return move({
    ...frame,
    [transferableSymbol]: [rendered.buffer],
    [valueSymbol]: frame,
  });
}

/**
 * Decodes an image file to the RGB pixels of Pillow's convert("RGB"): colour profile and orientation are ignored, grey
 * is copied to all three channels, alpha is dropped.
 */
async function decode(file: Uint8Array, size: FrameSize): Promise<Uint8Array> {
  const pixelCount = size.width * size.height;
  const image = sharp(file, { ignoreIcc: true, limitInputPixels: pixelCount, failOn: 'warning' });
  const pixels = await timed(image.removeAlpha().toColourspace('srgb').raw(), size).toBuffer();
  if (pixels.length !== pixelCount * 3)
    throw new Error('The decoded image does not have the size that its header states.');
  return pixels;
}

function timed(image: Sharp, { width, height }: FrameSize): Sharp {
  return width * height > UNTIMED_PIXELS ? image.timeout({ seconds: CODEC_TIMEOUT_S }) : image;
}

/** @returns a buffer of its own, which can be transferred to another thread; a buffer from sharp cannot */
async function resize(picture: Resizing, encoding: FrameForm): Promise<Uint8Array> {
  if (encoding === 'raw') {
    const { text, at } = emptyRawFrame(picture.to);
    resampler.blueFirstText(picture, text, at);
    return text;
  }
  const pixels = resampler.rgb(picture);
  if (encoding === 'rgb') return pixels === picture.pixels ? Uint8Array.from(pixels) : pixels;
  const file = await fileOf(pixels, picture.to, encoding);
  const text = encoding === 'png' || encoding === 'jpeg' ? aviFrame(file, encoding) : base64(file);
  freeBytes(file);
  if (pixels !== picture.pixels) freeBytes(pixels);
  return text;
}

/** Encodes RGB pixels as an image file. */
async function fileOf(
  pixels: Uint8Array,
  size: FrameSize,
  encoding: Exclude<FrameForm, 'raw' | 'rgb'>,
): Promise<Buffer> {
  if (encoding === 'raw-file') return pixmap(pixels, size);
  const image = timed(sharp(pixels, { raw: { ...size, channels: 3 } }), size);
  return (encoding === 'jpeg' || encoding === 'jpeg-file' ? image.jpeg(JPEG) : image.png(PNG)).toBuffer();
}
