import { createHash } from 'node:crypto';
import t from 'tap';
import { pillowBicubic } from '../../src/frames/resample.ts';
import { REFERENCE } from './reference-numbers.ts';

/** The picture of reference_numbers.py. */
function pattern(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < 3; c += 1) {
        const checker = 128 * ((Math.floor(x / 9) + Math.floor(y / 5)) % 2);
        pixels[(y * width + x) * 3 + c] = (x * 7 + y * 13 + c * 31 + ((x * y) % 97) + checker) % 256;
      }
    }
  }
  return pixels;
}

t.test('pixels are Pillow’s, to the last bit', async (t) => {
  for (const { source, target, sha256 } of REFERENCE.resized) {
    const [from, to] = [source, target].map(([width, height]) => ({ width, height })) as [never, never];
    const resized = pillowBicubic(pattern(...source), from, to);
    t.equal(createHash('sha256').update(resized).digest('hex'), sha256, `${source.join('×')} to ${target.join('×')}`);
  }
});
