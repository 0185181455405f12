import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import { createRenderer, type Unrendered } from '../../src/frames/renderer.ts';
import { frameFile, testPixels, WIDTH } from '../support/images.ts';

const REFERENCE = { width: 244, height: 244 };
const MAX_PIXELS = 4096 * 4096;

/** A frame of 6 MB that takes 30 s to resize. */
const HIGH = { width: 1, height: 2_000_000 };
const raw = (bytes: Uint8Array): Unrendered => ({ bytes, kind: 'rgb', shared: false });
const high = () => raw(Buffer.alloc(HIGH.width * HIGH.height * 3));

t.test('rendering of a frame ends when its episode is aborted, and other frames go on', async (t) => {
  const renderer = createRenderer(1, Number.POSITIVE_INFINITY);
  t.teardown(() => renderer.close());
  const small = { width: 8, height: 8 };
  const other = renderer.begin(
    { from: small, to: REFERENCE, resampling: 'pillow-bicubic', encoding: 'rgb', place: {} },
    new AbortController().signal,
  );
  const givenUp = new AbortController();
  const render = renderer.begin(
    { from: HIGH, to: REFERENCE, resampling: 'pillow-bicubic', encoding: 'rgb', place: {} },
    givenUp.signal,
  );
  await other(raw(testPixels(small)));
  const pending = render(high());
  // The thread normally starts at once. If it were slower, the frame would end before it is started, and the test would
  // check less.
  await sleep(300);
  const started = process.cpuUsage();
  givenUp.abort(new Error('given up'));
  await t.rejects(pending, { message: 'given up' });
  t.equal((await other(raw(testPixels(small)))).bytes.length, 244 * 244 * 3, 'the thread is available again');
  const { user, system } = process.cpuUsage(started);
  t.ok(
    user + system < 5e6,
    `${((user + system) / 1e6).toFixed(2)} s of CPU time after the abort; the complete frame takes 30 s`,
  );
});

t.test('waiting frames are never started after their episode is aborted', async (t) => {
  const renderer = createRenderer(1, Number.POSITIVE_INFINITY);
  t.teardown(() => renderer.close());
  const givenUp = new AbortController();
  const render = renderer.begin(
    { from: HIGH, to: REFERENCE, resampling: 'pillow-bicubic', encoding: 'rgb', place: {} },
    givenUp.signal,
  );
  const frames = Array.from({ length: renderer.parallel + 3 }, high);
  const pending = frames.map((frame) => render(frame).catch((error: Error) => error.message));
  await new Promise(setImmediate);
  givenUp.abort(new Error('given up'));
  t.strictSame(
    await Promise.all(pending),
    frames.map(() => 'given up'),
  );
  const left = frames.filter(({ bytes }) => bytes.length > 0);
  t.equal(left.length, 3, 'waiting frames keep their bytes, because these were not transferred');
  await t.rejects(render(high()), { message: 'given up' }, 'a later frame is not started either');
});

t.test('the size of the intermediate image is checked before any work', async (t) => {
  const renderer = createRenderer(1, MAX_PIXELS);
  t.teardown(() => renderer.close());
  const { signal } = new AbortController();
  const begin = (from: typeof REFERENCE, to: typeof REFERENCE) =>
    renderer.begin(
      { from, to, resampling: 'pillow-bicubic', encoding: 'rgb', place: { part: 'frames', frame: 3 } },
      signal,
    );
  t.throws(() => begin(HIGH, REFERENCE), {
    code: 'image-too-large',
    message: /from 1×2000000 to 244×244 needs an intermediate image of 244×2000000; at most 16777216 pixels/,
    place: { part: 'frames', frame: 3, limit: MAX_PIXELS },
  });
  // The first pass resizes rows, so an image of this width has a small intermediate image.
  t.ok(begin({ width: HIGH.height, height: HIGH.width }, REFERENCE));
  t.ok(begin({ width: 2, height: 8192 }, { width: 2048, height: 2048 }));
  t.throws(() => begin({ width: 2, height: 8193 }, { width: 2048, height: 2048 }));
  t.ok(begin({ width: 6000, height: 6000 }, { width: 6000, height: 6000 }), 'a frame that keeps its size is accepted');
});

t.test('shared bytes stay unchanged, and bytes that are not shared are transferred', async (t) => {
  const renderer = createRenderer(1, MAX_PIXELS);
  t.teardown(() => renderer.close());
  const size = { width: 400, height: 24 };
  const render = renderer.begin(
    { from: size, to: size, resampling: 'pillow-bicubic', encoding: 'rgb', place: {} },
    new AbortController().signal,
  );
  const file = await frameFile('png', size);
  const copy = Buffer.from(file);
  const shared = await render({ bytes: file, kind: 'file', shared: true });
  t.strictSame(file, copy);
  const own = Uint8Array.from(file);
  const handed = await render({ bytes: own, kind: 'file', shared: false });
  t.equal(own.length, 0);
  t.strictSame(Buffer.from(handed.bytes), testPixels(size));
  t.strictSame(handed, shared);
  // A small buffer shares its memory with other buffers, so it is copied and not transferred.
  const pooled = Buffer.from(file.subarray(0, 100));
  await t.rejects(render({ bytes: pooled, kind: 'file', shared: false }));
  t.equal(pooled.length, 100);
});

t.test('a frame that changes only its height is resized in one pass', async (t) => {
  const renderer = createRenderer(1, MAX_PIXELS);
  t.teardown(() => renderer.close());
  const from = { width: WIDTH, height: 24 };
  const render = renderer.begin(
    { from, to: { ...from, height: 50 }, resampling: 'pillow-bicubic', encoding: 'rgb', place: {} },
    new AbortController().signal,
  );
  t.equal((await render(raw(testPixels(from)))).bytes.length, WIDTH * 50 * 3);
});

t.test('a PNG file of its own has the same pixels, without the chunk of a video', async (t) => {
  const renderer = createRenderer(1, MAX_PIXELS);
  t.teardown(() => renderer.close());
  const from = { width: WIDTH, height: 24 };
  const to = { width: 64, height: 32 };
  const begin = (encoding: 'rgb' | 'png-file') =>
    renderer.begin({ from, to, resampling: 'pillow-bicubic', encoding, place: {} }, new AbortController().signal);
  const { bytes: pixels } = await begin('rgb')(raw(testPixels(from)));
  const { bytes: text } = await begin('png-file')(raw(testPixels(from)));
  const file = Buffer.from(Buffer.from(text).toString('latin1'), 'base64');
  t.match(await sharp(file).metadata(), { format: 'png', ...to });
  t.strictSame(await sharp(file).removeAlpha().raw().toBuffer(), Buffer.from(pixels));
  t.equal(file.subarray(-8, -4).toString('latin1'), 'IEND', 'nothing follows the image');
});

t.test('a few frames do not wait behind complete episodes', async (t) => {
  const renderer = createRenderer(1, MAX_PIXELS);
  t.teardown(() => renderer.close());
  const { signal } = new AbortController();
  const whole = renderer.turns(64);
  const places = 2;
  const inTurn = await Promise.all(Array.from({ length: places }, () => whole.enter({}, signal)));
  const waiting = whole.enter({}, signal);
  t.equal(whole.state().waiting, 1, 'another episode waits');
  const step = await renderer.turns(2).enter({}, signal);
  t.equal(renderer.turns(2).state().active, 1, 'a step starts immediately');
  for (const turn of [...inTurn, step]) turn.release();
  (await waiting).release();
});
