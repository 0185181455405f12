import { createHash, randomUUID } from 'node:crypto';
import sharp from 'sharp';
import type { FrameSize } from '../../../schemas/reward.ts';
import type { Family } from '../../families/family.ts';
import { type AviEncoding, aviFrame, base64 } from '../../frames/avi-frame.ts';
import { pixmap } from '../../frames/pixmap.ts';
import type { NonEmpty } from '../../plan/non-empty.ts';
import type { Item } from './content.ts';
import { itemsOf } from './items.ts';

/** How the frames of the probe are sent. */
interface ProbeFrames {
  encoding: AviEncoding;
  size: FrameSize;
  model: string;
  family: Family;
}

/**
 * Makes blocks of grey frames. Their names are random, so that no episode and no other probe can have the same.
 * @param blocks how many, at most 128
 * @returns their items, and the times in the prompt, in seconds
 */
export async function probeItems(
  blocks: number,
  { encoding, size, model, family }: ProbeFrames,
): Promise<{ items: Item[]; times: string[] }> {
  const { framesPerBlock, media } = family;
  const shades = Array.from({ length: framesPerBlock * blocks }, (_, i) => i);
  const frames = new Map(
    await Promise.all(
      shades.map(async (shade) => {
        const image = await greyFrame(shade, { encoding, size, media });
        const bytes = media === 'video' ? aviFrame(image, encoding) : base64(image);
        return [shade, { bytes, digest: createHash('sha256').update(bytes).digest('hex') }] as const;
      }),
    ),
  );
  const times = Array.from({ length: blocks }, (_, i) => `${i}.2`);
  const group = { size, resampling: 'pillow-bicubic' } as const;
  const scope = { secret: randomUUID(), tenant: 'probe', model, encoding, source: size, group };
  const item = itemsOf(frames, scope, family);
  const framesAt = (i: number): NonEmpty<number> => (framesPerBlock === 1 ? [i] : [2 * i, 2 * i + 1]);
  return { times, items: times.map((time, i) => item({ frames: framesAt(i), time })) };
}

async function greyFrame(
  shade: number,
  { encoding, size, media }: Pick<ProbeFrames, 'encoding' | 'size'> & Pick<Family, 'media'>,
): Promise<Buffer> {
  if (encoding === 'raw') {
    const pixels = Buffer.alloc(size.width * size.height * 3, shade);
    return media === 'video' ? pixels : pixmap(pixels, size);
  }
  const image = sharp({ create: { ...size, channels: 3, background: { r: shade, g: shade, b: shade } } });
  return image.toFormat(encoding).toBuffer();
}
