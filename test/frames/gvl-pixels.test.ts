import { createHash } from 'node:crypto';
import t from 'tap';
import { gvlPixels } from '../../src/frames/gvl-pixels.ts';
import { createRenderer } from '../../src/frames/renderer.ts';
import { createResampler } from '../../src/frames/resample.ts';
import { GVL_NUMBERS } from '../support/gvl-numbers.ts';
import { testPattern } from '../support/test-pattern.ts';

const resampler = createResampler();
const check = () => {};

t.test('pixels equal those of Pillow and the processor of transformers in every bit', async (t) => {
  for (const { source, sha256 } of GVL_NUMBERS.pixels) {
    const [width, height] = source;
    const picture = { pixels: testPattern(width, height), from: { width, height }, check };
    const pixels = gvlPixels(resampler, picture, 256);
    t.equal(createHash('sha256').update(pixels).digest('hex'), sha256, source.join('×'));
  }
  t.ok(GVL_NUMBERS.pixels.length >= 9);
});

t.test('bytes that torchvision resizes equal its own in every bit', async (t) => {
  for (const { source, target, sha256 } of GVL_NUMBERS.torch) {
    const [from, to] = [source, target].map(([width, height]) => ({ width, height })) as [never, never];
    const pixels = resampler.rgb({ pixels: testPattern(...source), from, to, rounding: 'torch' });
    t.equal(createHash('sha256').update(pixels).digest('hex'), sha256, `${source.join('×')} to ${target.join('×')}`);
  }
});

t.test('the same sizes can be resized in both ways, one after the other', async (t) => {
  const size = { from: { width: 252, height: 252 }, to: { width: 256, height: 256 } };
  const picture = { ...size, pixels: testPattern(252, 252) };
  const pillow = createResampler().rgb(picture);
  const torch = createResampler().rgb({ ...picture, rounding: 'torch' });
  t.ok(Buffer.compare(pillow, torch) !== 0);
  t.ok(Buffer.compare(resampler.rgb(picture), pillow) === 0);
  t.ok(Buffer.compare(resampler.rgb({ ...picture, rounding: 'torch' }), torch) === 0);
  t.ok(Buffer.compare(resampler.rgb(picture), pillow) === 0);
});

t.test('resizing stops when its check throws', async (t) => {
  const stop = () => {
    throw new Error('stop');
  };
  const picture = { pixels: testPattern(64, 48), from: { width: 64, height: 48 }, check: stop };
  t.throws(() => gvlPixels(resampler, picture, 256), /stop/);
});

t.test('frames are rendered with these pixels, also if they have the size of the result', async (t) => {
  const renderer = createRenderer(1, Number.POSITIVE_INFINITY);
  t.teardown(() => renderer.close());
  const to = { width: 256, height: 256 };
  for (const from of [{ width: 96, height: 80 }, to]) {
    const render = renderer.begin(
      { from, to, resampling: 'gvl', encoding: 'rgb', place: {} },
      new AbortController().signal,
    );
    const pixels = testPattern(from.width, from.height);
    const expected = gvlPixels(resampler, { pixels, from, check }, 256);
    const { bytes } = await render({ bytes: pixels, kind: 'rgb', shared: true });
    t.equal(Buffer.compare(bytes, expected), 0, `${from.width}×${from.height}`);
  }
});
