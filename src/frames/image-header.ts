import { setImmediate as nextTurn } from 'node:timers/promises';
import sharp, { type Metadata } from 'sharp';
import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';
import { pngPictures } from './apng.ts';
import { headerBytes } from './header-bytes.ts';
import { checkSizeLimits, type SizeLimits } from './size-limits.ts';

/** What a frame's header says, as far as it matters. */
export interface ImageHeader extends FrameSize {
  hasAlpha: boolean;
  /** EXIF orientation other than upright; ignored, as Pillow ignores it. */
  turned: boolean;
}

// Uploads come from strangers: libvips gets to see these three formats and nothing else.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer'] });

/** Frames of all uploads that are taken in within one turn of the event loop: some milliseconds. */
const FRAMES_A_TURN = 8;
let frames = 0;
let turn = Promise.resolve();

/**
 * Waits for a turn of the event loop. With nothing to wait for uploads would be taken in at one go, and nothing else would be
 * answered meanwhile.
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

/** Reads and checks the header of a frame, as readImageHeader does. */
export type HeaderReader = (bytes: Buffer, place: ProblemPlace) => Promise<ImageHeader>;

/** A reader for the frames of one episode. Most often all have the same header, byte for byte: it is read once. */
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
    // A copy: the frame itself may be let go.
    last = start && { start: Buffer.from(start), header };
    return header;
  };
}

/**
 * Reads and checks the header of one frame, without decoding it.
 * Grey, palette and alpha images are taken (alpha is dropped, as Pillow's convert("RGB") does); animated, CMYK and 16-bit ones
 * are refused, since there is no one right way to make 8-bit RGB of them.
 * @throws ProblemError not-an-image, image-damaged, image-unsupported or image-too-large
 */
async function readImageHeader(bytes: Buffer, limits: SizeLimits, place: ProblemPlace): Promise<ImageHeader> {
  const format = SIGNATURES.find(([, at, magic]) => bytes.subarray(at, at + magic.length).equals(magic))?.[0];
  if (!format) {
    throw new ProblemError('not-an-image', 'The bytes are no JPEG, PNG or WebP file. Send one of these.', place);
  }
  const header = await metadata(bytes, format, place);
  const { width, height } = header;
  checkSizeLimits({ width, height }, limits, place);
  // A JPEG may be followed by others (two lenses, gain maps): the first is the picture, for Pillow too.
  const pictures = format === 'png' ? pngPictures(bytes) : (header.pages ?? 1);
  const fault = pictures > 1 ? `The frame is animated (${pictures} pictures).` : unsupported(header);
  if (fault) throw new ProblemError('image-unsupported', `${fault} Send 8-bit RGB or grey.`, place);
  return { width, height, hasAlpha: header.hasAlpha, turned: (header.orientation ?? 1) > 1 };
}

async function metadata(bytes: Buffer, format: string, place: ProblemPlace) {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw new ProblemError('image-damaged', `The header of the ${format} file cannot be read.`, place, error);
  }
}

function unsupported({ space, depth }: Metadata): string | undefined {
  if (space === 'cmyk') return 'The frame is CMYK.';
  if (depth !== 'uchar') return `The frame has ${depth === 'ushort' ? '16-bit' : depth} samples.`;
  return undefined;
}
