import sharp from 'sharp';

const SIDE = 64;

/**
 * A small WebM video. Each frame has one grey level. A lossy WebP image is a VP8 key frame, so no encoder is needed.
 * @param greys one level for each frame, 0 to 255
 * @param fps frames per second
 * @param saysDuration whether the header has a duration; recordings made by browsers have none
 */
export async function webmOf(greys: number[], fps: number, saysDuration = true): Promise<Buffer> {
  const pictures = await Promise.all(greys.map(keyFrame));
  const blocks = pictures.map((picture, index) => {
    const head = Buffer.from([0x81, 0, 0, 0x80]);
    head.writeInt16BE(Math.round((index * 1000) / fps), 1);
    return element('a3', Buffer.concat([head, picture]));
  });
  const duration = Buffer.alloc(8);
  duration.writeDoubleBE((greys.length * 1000) / fps);
  const header = element('1a45dfa3', element('4282', Buffer.from('webm')), number('4287', 2), number('4285', 2));
  const details = [number('2ad7b1', 1_000_000), ...(saysDuration ? [element('4489', duration)] : [])];
  const picture = element('e0', number('b0', SIDE), number('ba', SIDE));
  const codec = element('86', Buffer.from('V_VP8'));
  const track = element('ae', number('d7', 1), number('73c5', 1), number('83', 1), codec, picture);
  const cluster = element('1f43b675', number('e7', 0), ...blocks);
  return Buffer.concat([
    header,
    element('18538067', element('1549a966', ...details), element('1654ae6b', track), cluster),
  ]);
}

async function keyFrame(grey: number): Promise<Buffer> {
  const background = { r: grey, g: grey, b: grey };
  const file = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background } })
    .webp()
    .toBuffer();
  const at = file.indexOf('VP8 ');
  return file.subarray(at + 8, at + 8 + file.readUInt32LE(at + 4));
}

/** An EBML element. @param id in hex */
function element(id: string, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(content.length));
  size[0] = 0x01;
  return Buffer.concat([Buffer.from(id, 'hex'), size, content]);
}

function number(id: string, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return element(id, bytes);
}
