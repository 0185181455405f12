import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** Size and contents of a test image. Each seed gives different pixels. */
export interface ImageOptions {
  width?: number;
  height?: number;
  seed?: number;
}

export const WIDTH = 40;
export const HEIGHT = 24;

/** height × width × channels bytes, smooth enough for JPEG, different for each seed. */
export function testPixels({ width = WIDTH, height = HEIGHT, seed = 0 }: ImageOptions = {}, channels = 3): Buffer {
  const pixels = Buffer.alloc(width * height * channels);
  for (let i = 0; i < pixels.length; i += 1) {
    const channel = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    pixels[i] = (x * 5 + y * 3 * (channel + 1) + channel * 60 + seed * 37) % 256;
  }
  return pixels;
}

/** Makes an ordinary 8-bit RGB frame. PNG and lossless WebP contain testPixels exactly. */
export function frameFile(format: 'jpeg' | 'png' | 'webp' = 'png', options: ImageOptions = {}): Promise<Buffer> {
  const image = rawImage(options, 3);
  if (format === 'webp') return image.webp({ lossless: true, exact: true }).toBuffer();
  return format === 'png' ? image.png().toBuffer() : image.jpeg().toBuffer();
}

/** Makes the frames of one episode, all different. */
export function frameFiles(count: number, format: 'jpeg' | 'png' | 'webp' = 'png', options: ImageOptions = {}) {
  return Promise.all(Array.from({ length: count }, (_, seed) => frameFile(format, { ...options, seed })));
}

export const progressiveJpeg = () => rawImage({}, 3).jpeg({ progressive: true }).toBuffer();
export const greyJpeg = () => rawImage({}, 1).toColourspace('b-w').jpeg().toBuffer();
export const cmykJpeg = () => rawImage({}, 3).toColourspace('cmyk').jpeg().toBuffer();
export const interlacedPng = () => rawImage({}, 3).png({ progressive: true }).toBuffer();
export const gif = () => rawImage({}, 3).gif().toBuffer();
export const svg = () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="24"><rect/></svg>');

export function animatedWebp(pages = 2): Promise<Buffer> {
  const pixels = Buffer.concat(Array.from({ length: pages }, (_, seed) => testPixels({ seed })));
  const raw = { width: WIDTH, height: HEIGHT * pages, channels: 3 as const, pageHeight: HEIGHT };
  return sharp(pixels, { raw }).webp({ delay: 100, loop: 0 }).toBuffer();
}

/**
 * Makes an animated PNG: an ordinary PNG, and frames that only a reader of the additional chunks finds.
 * @param hidden true if the ordinary image is not part of the animation
 */
export function animatedPng(pictures = 2, hidden = false): Buffer {
  const numbers = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer).swap32();
  const control = (sequence: number) =>
    pngChunk('fcTL', Buffer.concat([numbers(sequence, WIDTH, HEIGHT, 0, 0), Buffer.from([0, 1, 0, 10, 0, 0])]));
  const head = [pngChunk('acTL', numbers(pictures, 0)), ...(hidden ? [] : [control(0)])];
  const file = pngFile({ samples: testPixels(), chunks: head });
  const end = file.length - 12;
  const first = hidden ? 0 : 1;
  const more = Array.from({ length: pictures - first }, (_, i) => {
    const rows = deflateSync(withFilterBytes(testPixels({ seed: i + 1 }), HEIGHT));
    const sequence = 2 * i + first;
    return Buffer.concat([control(sequence), pngChunk('fdAT', Buffer.concat([numbers(sequence + 1), rows]))]);
  });
  return Buffer.concat([file.subarray(0, end), ...more, file.subarray(end)]);
}

/** Makes a file of two JPEGs, as written by cameras with two lenses and phones with gain maps (CIPA DC-007). */
export function multiPictureJpeg(first: Buffer, second: Buffer): Buffer {
  // A little-endian index: version, number of images, and an entry of 16 bytes for each.
  const index = Buffer.alloc(8 + 2 + 3 * 12 + 4 + 2 * 16);
  index.write('II*\0', 0, 'latin1');
  index.writeUInt32LE(8, 4);
  index.writeUInt16LE(3, 8);
  const entry = (place: number, tag: number, type: number, count: number, value: number) => {
    index.writeUInt16LE(tag, 10 + place * 12);
    index.writeUInt16LE(type, 12 + place * 12);
    index.writeUInt32LE(count, 14 + place * 12);
    index.writeUInt32LE(value, 18 + place * 12);
  };
  entry(0, 0xb000, 7, 4, 0x30303130);
  entry(1, 0xb001, 4, 1, 2);
  entry(2, 0xb002, 7, 32, 50);
  const body = Buffer.concat([Buffer.from('MPF\0'), index]);
  const head = Buffer.from([0xff, 0xe2, 0, body.length + 2]);
  const whole = Buffer.concat([first.subarray(0, 2), head, body, first.subarray(2), second]);
  const at = 2 + 4 + 4 + 50;
  const length = whole.length - second.length;
  whole.writeUInt32LE(0x030000, at);
  whole.writeUInt32LE(length, at + 4);
  whole.writeUInt32LE(0x020002, at + 16);
  whole.writeUInt32LE(second.length, at + 20);
  whole.writeUInt32LE(length - 10, at + 24);
  return whole;
}

/** Adds an EXIF orientation to a JPEG. The coded image stays the same. */
export function turnedJpeg(file: Buffer, orientation: number): Buffer {
  const tiff = Buffer.from('49492a0008000000010012010300010000000000000000000000', 'hex');
  tiff.writeUInt16LE(orientation, 18);
  const body = Buffer.concat([Buffer.from('Exif\0\0'), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, body.length + 2]);
  return Buffer.concat([file.subarray(0, 2), head, body, file.subarray(2)]);
}

/** PNG colour types. */
export const GREY = 0;
export const RGB = 2;
export const PALETTE = 3;
export const GREY_ALPHA = 4;
export const RGBA = 6;

/**
 * Makes a PNG without a library, so that every sample is known and the header can be wrong.
 * @param samples rows as the format packs them, without filter bytes; without samples there is one empty data chunk
 * @param chunks more chunks between header and data
 */
export function pngFile({
  width = WIDTH,
  height = HEIGHT,
  depth = 8,
  colour = RGB,
  samples,
  chunks = [],
}: {
  width?: number;
  height?: number;
  depth?: number;
  colour?: number;
  samples?: Buffer;
  chunks?: Buffer[];
}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colour;
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const rows = samples ? withFilterBytes(samples, height) : Buffer.alloc(0);
  const image = pngChunk('IDAT', deflateSync(rows));
  return Buffer.concat([signature, pngChunk('IHDR', header), ...chunks, image, pngChunk('IEND', Buffer.alloc(0))]);
}

export function pngChunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, check]);
}

/** Makes a PNG chunk with a colour profile that differs much from sRGB. */
export async function profileChunk(): Promise<Buffer> {
  const file = await rawImage({}, 3).withIccProfile('p3').png().toBuffer();
  const at = file.indexOf('iCCP') - 4;
  return file.subarray(at, at + 12 + file.readUInt32BE(at));
}

/** Makes a file of 70 bytes whose header claims 60,000 × 60,000 pixels (10.8 GB of RGB). */
export const pngBomb = () => pngFile({ width: 60_000, height: 60_000 });

/** Makes a black image of one column. With two million rows it has a few kB, and would take 30 s to resize without a limit. */
export function thinPng(height: number): Buffer {
  const empty = pngFile({ width: 1, height });
  const [start, end] = [empty.indexOf('IDAT') - 4, empty.length - 12];
  // A filter byte and three samples for each row.
  const image = pngChunk('IDAT', deflateSync(Buffer.alloc(height * 4)));
  return Buffer.concat([empty.subarray(0, start), image, empty.subarray(end)]);
}

/** Flips one bit in the data of a PNG. Its header stays valid, its pixels do not. */
export function bitFlipped(png: Buffer): Buffer {
  const damaged = Buffer.from(png);
  const at = damaged.indexOf('IDAT') + 12;
  damaged[at] = (damaged[at] as number) ^ 0x10;
  return damaged;
}

/** The first part of a file: its header is complete, its pixels are not. */
export const truncated = (file: Buffer, share = 0.6) => file.subarray(0, Math.floor(file.length * share));

/** Makes a NumPy file. By default it is valid for pixels of this shape. */
export function npyFile(
  pixels: Buffer,
  {
    shape,
    dtype = '|u1',
    order = 'C',
    version = 1,
    cut = 0,
  }: { shape: number[]; dtype?: string; order?: 'C' | 'F'; version?: number; cut?: number },
): Buffer {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const fortran = order === 'F' ? 'True' : 'False';
  const text = `{'descr': '${dtype}', 'fortran_order': ${fortran}, 'shape': (${tuple}), }`;
  const lengthBytes = version === 1 ? 2 : 4;
  const before = 8 + lengthBytes;
  const padding = 64 - ((before + text.length + 1) % 64);
  const header = `${text}${' '.repeat(padding % 64)}\n`;
  const head = Buffer.alloc(before);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  head.writeUIntLE(header.length, 8, lengthBytes);
  const file = Buffer.concat([head, Buffer.from(header), pixels]);
  return file.subarray(0, file.length - cut);
}

/** Makes the pixels of an episode: those of the files from frameFiles. */
export function episodePixels(count: number, options: ImageOptions = {}): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, seed) => testPixels({ ...options, seed })));
}

function rawImage(options: ImageOptions, channels: 1 | 2 | 3 | 4) {
  const { width = WIDTH, height = HEIGHT } = options;
  return sharp(testPixels(options, channels), { raw: { width, height, channels } });
}

function withFilterBytes(samples: Buffer, height: number): Buffer {
  const stride = samples.length / height;
  const rows = Array.from({ length: height }, (_, y) => samples.subarray(y * stride, (y + 1) * stride));
  return Buffer.concat(rows.flatMap((row) => [Buffer.from([0]), row]));
}
