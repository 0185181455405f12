import t from 'tap';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { isProblem } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, postEpisode, postParts } from '../support/forms.ts';
import {
  animatedPng,
  animatedWebp,
  bitFlipped,
  cmykJpeg,
  episodePixels,
  frameFile,
  gif,
  pngBomb,
  pngFile,
  RGB,
  svg,
  testPixels,
  truncated,
} from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const engine = stubEngine();
const app = await buildTestApp(t, {}, engine);
const good = await frameFile();
const [jpeg, webp] = [await frameFile('jpeg'), await frameFile('webp')];

const REFUSED: [what: string, file: Buffer, code: ProblemCode][] = [
  ['GIF', await gif(), 'not-an-image'],
  ['SVG', svg(), 'not-an-image'],
  ['JSON', Buffer.from('{"frames":[]}'), 'not-an-image'],
  ['raw pixels', episodePixels(1), 'not-an-image'],
  ['an empty file', Buffer.alloc(0), 'not-an-image'],
  ['only a PNG signature', good.subarray(0, 8), 'image-damaged'],
  ['only a JPEG signature', jpeg.subarray(0, 3), 'image-damaged'],
  ['only a WebP signature', webp.subarray(0, 12), 'image-damaged'],
  ['a truncated PNG', truncated(good), 'image-damaged'],
  ['a truncated JPEG', truncated(jpeg, 0.9), 'image-damaged'],
  ['a truncated WebP', truncated(webp), 'image-damaged'],
  ['a PNG with one flipped bit', bitFlipped(good), 'image-damaged'],
  ['a PNG without pixels', pngFile({}), 'image-damaged'],
  ['a PNG of width 0', pngFile({ width: 0 }), 'image-damaged'],
  ['a CMYK JPEG', await cmykJpeg(), 'image-unsupported'],
  ['an animated WebP', await animatedWebp(), 'image-unsupported'],
  ['an animated PNG', animatedPng(), 'image-unsupported'],
  ['an animated PNG with one frame and a hidden default image', animatedPng(1, true), 'image-unsupported'],
  ['a 16-bit PNG', pngFile({ depth: 16, colour: RGB, samples: testPixels({}, 6) }), 'image-unsupported'],
  ['a PNG bomb', pngBomb(), 'image-too-large'],
  ['a PNG that is too high', pngFile({ width: 1, height: 8193 }), 'image-too-large'],
  ['a PNG that is too wide', pngFile({ width: 8193, height: 1 }), 'image-too-large'],
];

for (const [what, file, code] of REFUSED) {
  t.test(`refused: ${what}`, async (t) => {
    const answer = await postEpisode(app, EPISODE, [good, file]);
    isProblem(t, answer, code, { part: 'frames', frame: 1 });
    const first = await postEpisode(app, EPISODE, [file]);
    isProblem(t, first, code, { part: 'frames', frame: 0 });
  });
}

t.test('every frame must have the size of the first frame', async (t) => {
  const other = await frameFile('png', { width: 24, height: 40 });
  const answer = await postEpisode(app, EPISODE, [good, good, other]);
  isProblem(t, answer, 'frame-sizes-differ', { part: 'frames', frame: 2 });
});

t.test('a decompression bomb is refused by its header, before the engine is called', async (t) => {
  const before = engine.calls.length;
  const answer = await postEpisode(app, EPISODE, [pngBomb()]);
  isProblem(t, answer, 'image-too-large', { frame: 0, limit: 8192 });
  t.equal(engine.calls.length, before);
});

t.test('an episode without frames is refused', async (t) => {
  isProblem(t, await postEpisode(app, EPISODE, []), 'no-frames');
});

t.test('the format of a frame is read from its bytes, not from its type or file name', async (t) => {
  const post = (filename: string, type: string, content: Buffer) =>
    postParts(app, [episodePart(EPISODE), { name: 'frames', filename, type, content }]);
  t.equal((await post('x.gif', 'image/gif', good)).statusCode, 200);
  t.equal((await post('', 'application/octet-stream', good)).statusCode, 200);
  isProblem(t, await post('x.png', 'image/png', await gif()), 'not-an-image', { frame: 0 });
});

t.test('a frame part without a file name is accepted', async (t) => {
  const answer = await postParts(app, [episodePart(EPISODE), { ...framePart(good), filename: undefined }]);
  t.equal(answer.statusCode, 200, answer.body.slice(0, 200));
});
