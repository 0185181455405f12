import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { FrameSize } from '../plan/frame-size.ts';
import { pillowBicubic } from './resample.ts';

/** How the pixels of a frame leave the renderer. */
export type FrameEncoding = 'rgb' | 'png' | 'jpeg';

export interface RenderTask {
  /** An image file, or raw RGB pixels. */
  bytes: Uint8Array;
  kind: 'file' | 'rgb';
  /** The frame's own size; a file that decodes to another one is damaged. */
  from: FrameSize;
  to: FrameSize;
  encoding: FrameEncoding;
}

export interface RenderedFrame {
  bytes: Uint8Array;
  /** SHA-256 of the bytes that came, in hex. */
  digest: string;
}

// Parallelism comes from the worker threads; one episode's frames need no cache.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes, resizes and encodes one frame.
 * @throws Error when the file is truncated or damaged
 */
export default async function render(task: RenderTask): Promise<RenderedFrame> {
  const source = task.kind === 'rgb' ? task.bytes : await decode(task.bytes, task.from);
  const pixels = pillowBicubic(source, task.from, task.to);
  const digest = createHash('sha256').update(task.bytes).digest('hex');
  return { bytes: await encode(pixels, task.to, task.encoding), digest };
}

/** RGB as Pillow's convert("RGB") gives it: colour profiles and orientation ignored, grey spread, alpha dropped. */
async function decode(file: Uint8Array, { width, height }: FrameSize): Promise<Uint8Array> {
  const image = sharp(file, { ignoreIcc: true, limitInputPixels: width * height, failOn: 'warning' });
  const pixels = await image.removeAlpha().toColourspace('srgb').raw().toBuffer();
  if (pixels.length !== width * height * 3) throw new Error('The file does not decode to the size in its header.');
  return pixels;
}

async function encode(pixels: Uint8Array, size: FrameSize, encoding: FrameEncoding): Promise<Uint8Array> {
  if (encoding === 'rgb') return pixels;
  const image = sharp(pixels, { raw: { ...size, channels: 3 } });
  // Low effort: the bytes stay on one machine or its neighbour, and time is what an episode is short of.
  if (encoding === 'png') return image.png({ compressionLevel: 1 }).toBuffer();
  return image.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
}
