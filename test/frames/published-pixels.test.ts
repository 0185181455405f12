import t from 'tap';
import { publishedPixels } from '../../src/frames/published-pixels.ts';
import { createResampler } from '../../src/frames/resample.ts';
import { PUBLISHED } from '../support/published-numbers.ts';
import { testPattern } from '../support/test-pattern.ts';

const resampler = createResampler();
const check = () => {};

t.test('pixels are those of Pillow and torchvision, within one grey level in places', async (t) => {
  const { source, places, values } = PUBLISHED.pixels;
  const [width, height] = source;
  for (const [side, expected] of Object.entries(values)) {
    const picture = { pixels: testPattern(width, height), from: { width, height }, check };
    const pixels = publishedPixels(resampler, picture, Number(side));
    t.equal(pixels.length, Number(side) ** 2 * 3);
    const differences = places.flatMap(([row, column], i) =>
      [0, 1, 2].map((c) =>
        Math.abs((pixels[(row * Number(side) + column) * 3 + c] ?? Number.NaN) - (expected[i]?.[c] ?? Number.NaN)),
      ),
    );
    // torchvision computes in single precision: values very near a half can round to the other side.
    t.ok(Math.max(...differences) <= 1, `${side} px: ${Math.max(...differences)}`);
    t.ok(differences.filter((difference) => difference > 0).length <= 1, `${side} px`);
  }
});

t.test('values outside the range of a byte are limited', async (t) => {
  const from = { width: 244, height: 244 };
  const edges = Uint8Array.from({ length: 244 * 244 * 3 }, (_, i) => (Math.floor(i / 3 / 20) % 2) * 255);
  const pixels = publishedPixels(resampler, { pixels: edges, from, check }, 320);
  t.ok(pixels.includes(0) && pixels.includes(255));
});

t.test('resizing stops when its check throws', async (t) => {
  const picture = { pixels: testPattern(64, 48), from: { width: 64, height: 48 } };
  const stop = () => {
    throw new Error('stop');
  };
  t.throws(() => publishedPixels(resampler, { ...picture, check: stop }, 320), /stop/);
});
