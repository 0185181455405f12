import { setImmediate as nextTurn } from 'node:timers/promises';
import sharp, { type Metadata } from 'sharp';
import type { FrameSize } from '../../schemas/reward.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import { pngPictures } from './apng.ts';
import { headerBytes } from './header-bytes.ts';
import { checkSizeLimits, type SizeLimits } from './size-limits.ts';

/** The parts of an image file's header that the service uses. */
interface ImageHeader extends FrameSize {
  hasAlpha: boolean;
  /** true if the EXIF orientation is not upright. It is ignored, as Pillow ignores it. */
  rotated: boolean;
}

// Uploads are not trusted, so libvips may load these three formats only.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer'] });

/** How many frames, over all uploads, are accepted within one turn of the event loop: a few milliseconds of work. */
const FRAMES_A_TURN = 8;
let frames = 0;
let turn = Promise.resolve();

/**
 * Waits for a turn of the event loop after every few frames. Without this wait, one upload could be processed in a
 * single turn, and other requests would get no response meanwhile.
 */
function nextOpenTurn(): Promise<void> {
  frames += 1;
  if (frames % FRAMES_A_TURN === 0) turn = turn.then(() => nextTurn());
  return turn;
}

const SIGNATURES: [format: string, offset: number, bytes: Buffer][] = [
  ['jpeg', 0, Buffer.from([0xff, 0xd8, 0xff])],
  ['png', 0, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ['webp', 8, Buffer.from('WEBP')],
];

/** Reads and checks the header of a frame: see readImageHeader. */
type HeaderReader = (bytes: Buffer, place: ProblemPlace) => Promise<ImageHeader>;

/**
 * Makes a reader for the frames of one episode. Usually all frames have the same header, byte for byte, so it is read
 * once.
 */
export function createHeaderReader(limits: SizeLimits): HeaderReader {
  let last: { start: Buffer; header: ImageHeader } | undefined;
  return async (bytes, place) => {
    const start = headerBytes(bytes);
    if (start && last?.start.equals(start)) {
      const { header } = last;
      await nextOpenTurn();
      return header;
    }
    const header = await readImageHeader(bytes, limits, place);
    // Keep a copy, because the memory of the frame may be released.
    last = start && { start: Buffer.from(start), header };
    return header;
  };
}

/**
 * Reads and checks the header of one frame, without decoding it. Grey, palette and alpha images are accepted; alpha is
 * dropped, as Pillow's convert("RGB") does. Animated, CMYK and 16-bit images are refused, because there is more than
 * one way to convert them to 8-bit RGB.
 * @throws ProblemError not-an-image, image-damaged, image-unsupported or image-too-large
 */
async function readImageHeader(bytes: Buffer, limits: SizeLimits, place: ProblemPlace): Promise<ImageHeader> {
  const format = SIGNATURES.find(([, at, magic]) => bytes.subarray(at, at + magic.length).equals(magic))?.[0];
  if (!format) {
    throw new ProblemError(
      'not-an-image',
      'The frame is not a JPEG, PNG or WebP file. Send one of these formats.',
      place,
    );
  }
  const header = await metadata(bytes, format, place);
  const { width, height } = header;
  checkSizeLimits({ width, height }, limits, place);
  // A JPEG file may contain further images (second lens, gain map). The first one is the frame, as in Pillow.
  const pictures = format === 'png' ? pngPictures(bytes) : (header.pages ?? 1);
  const fault = pictures > 1 ? `The frame is an animation of ${pictures} images.` : unsupported(header);
  if (fault) throw new ProblemError('image-unsupported', `${fault} Send an 8-bit RGB or grey image.`, place);
  return { width, height, hasAlpha: header.hasAlpha, rotated: (header.orientation ?? 1) > 1 };
}

async function metadata(bytes: Buffer, format: string, place: ProblemPlace) {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw new ProblemError('image-damaged', `The header of the ${format} file is damaged.`, place, error);
  }
}

function unsupported({ space, depth }: Metadata): string | undefined {
  if (space === 'cmyk') return 'The frame is a CMYK image.';
  if (depth !== 'uchar') return `The frame has ${depth === 'ushort' ? '16-bit' : depth} samples.`;
  return undefined;
}
