import t from 'tap';
import type { FrameSize } from '../../../schemas/reward.ts';
import { aviLength, twoFrameAvi } from '../../../src/engines/vllm/avi.ts';
import { type AviEncoding, aviFrame, emptyRawFrame } from '../../../src/frames/avi-frame.ts';
import { createResampler } from '../../../src/frames/resample.ts';

interface Chunk {
  name: string;
  at: number;
  bytes: Buffer;
}

/** The chunks of a RIFF file in order, including those in lists. Throws if they do not fill the file exactly. */
function chunksOf(file: Buffer, from = 0, to = file.length): Chunk[] {
  if (from === to) return [];
  const name = file.toString('latin1', from, from + 4);
  const length = file.readUInt32LE(from + 4);
  const end = from + 8 + length;
  const next = end + (length % 2);
  if (next > to) throw new Error(`The chunk ${name} at ${from} ends at ${next}, after ${to}.`);
  const rest = chunksOf(file, next, to);
  if (name === 'RIFF' || name === 'LIST') return [...chunksOf(file, from + 12, end), ...rest];
  return [{ name, at: from, bytes: file.subarray(from + 8, end) }, ...rest];
}

/** Makes pixels of many different values, so that a shift by one byte changes the result. */
function pixelsOf({ width, height }: FrameSize, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + seed * 91 + (i >> 5)) % 256));
}

function fileOf(frames: [Buffer, Buffer], size: FrameSize, encoding: AviEncoding, time = '1.2') {
  const texts = frames.map((frame) => aviFrame(frame, encoding)) as [Buffer, Buffer];
  const text = Buffer.concat(twoFrameAvi(texts, { size, encoding, time }));
  return { text: text.toString('latin1'), texts, file: Buffer.from(text.toString('latin1'), 'base64') };
}

const SIZES = [1, 2, 3, 5, 8, 13].flatMap((width) => [1, 2, 3, 7].map((height) => ({ width, height })));

t.test('rows of uncompressed frames go from top to bottom, because the other order crashes vLLM', async (t) => {
  for (const size of SIZES) {
    const frames: [Buffer, Buffer] = [pixelsOf(size, 1), pixelsOf(size, 2)];
    const chunks = chunksOf(fileOf(frames, size, 'raw').file);
    const format = chunks.find(({ name }) => name === 'strf')?.bytes as Buffer;
    const name = `${size.width}×${size.height}`;
    t.equal(format.readInt32LE(4), size.width, name);
    t.equal(format.readInt32LE(8), -size.height, `${name}: a negative height`);
    t.equal(format.readUInt16LE(14), 24, 'bits per pixel');
    t.equal(format.readUInt32LE(16), 0, 'BI_RGB');
    const shown = chunks.filter(({ name }) => name === '00db').map(({ bytes }) => bytes);
    t.same(shown, frames, `${name}: rows without padding`);
  }
});

t.test('a file is well formed and has the stated length, and its Base64 text has no padding', async (t) => {
  for (const encoding of ['png', 'jpeg', 'raw'] as const) {
    for (const length of [3, 6, 9, 12]) {
      const lengths = encoding === 'raw' ? [length, length] : [length, length + 1, length + 2];
      const frames = lengths.slice(0, 2).map((bytes) => Buffer.alloc(bytes, bytes)) as [Buffer, Buffer];
      const { text, texts, file } = fileOf(frames, { width: 1, height: 1 }, encoding);
      t.equal(text.length, aviLength(...texts), `${encoding} of ${lengths}`);
      t.notMatch(text, '=');
      const shown = chunksOf(file).filter(({ name }) => name.startsWith('00d'));
      t.same(
        shown.map(({ bytes }) => bytes),
        frames,
      );
    }
  }
});

t.test('the renderer’s text of uncompressed frames equals the text made from their pixels', async (t) => {
  const resampler = createResampler();
  for (const size of SIZES) {
    const pixels = pixelsOf(size, 3);
    const { text, at } = emptyRawFrame(size);
    resampler.blueFirstText({ pixels, from: size, to: size }, text, at);
    const swapped = pixels.map((_, i) => pixels[i - (i % 3) + 2 - (i % 3)] as number);
    t.ok(text.equals(aviFrame(swapped, 'raw')), `${size.width}×${size.height}`);
  }
});

t.test('the frame rate of a file is 0.5 / the time of its block', async (t) => {
  const size = { width: 2, height: 2 };
  for (const time of ['0.0', '0.1', '0.2', '1.0', '33.3', '3600.1', '9999.9']) {
    const { file } = fileOf([pixelsOf(size, 1), pixelsOf(size, 2)], size, 'raw', time);
    const stream = chunksOf(file).find(({ name }) => name === 'strh')?.bytes as Buffer;
    const [scale, rate] = [stream.readUInt32LE(20), stream.readUInt32LE(24)];
    t.equal(((0.5 * scale) / rate).toFixed(1), time);
    t.equal(stream.readUInt32LE(32), 2, 'frames');
  }
});
