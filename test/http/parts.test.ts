import t from 'tap';
import { comparable, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, npyPart, type Part, postParts } from '../support/forms.ts';
import { episodePixels, frameFile, frameFiles, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { EPISODE } from '../support/stub-engine.ts';

const app = await buildTestApp(t);
const frames = (await frameFiles(9)).map(framePart);
const npy = npyPart(npyFile(episodePixels(9), { shape: [9, HEIGHT, WIDTH, 3] }));
const asked = { ...EPISODE, fps: 8 };
const episode = episodePart(asked);
const answers = async (parts: Part[]) => comparable(resultOf(t, await postParts(app, parts)));
const expected = await answers([episode, ...frames]);

t.test('the episode part may come first, last or between frames', async (t) => {
  for (let at = 0; at <= frames.length; at += 1)
    t.strictSame(await answers([...frames.slice(0, at), episode, ...frames.slice(at)]), expected, `at ${at}`);
  t.strictSame(await answers([episode, npy]), expected, 'before npy');
  t.strictSame(await answers([npy, episode]), expected, 'after npy');
});

t.test('with timestamps, too, the episode part may come anywhere', async (t) => {
  const timed = episodePart({ ...EPISODE, fps: undefined, timestamps_s: frames.map((_, i) => i / 8) });
  for (const at of [0, 4, 9])
    t.strictSame(await answers([...frames.slice(0, at), timed, ...frames.slice(at)]), expected, `at ${at}`);
});

t.test('the order of the frame parts is the order of the frames', async (t) => {
  const turned = await answers([episode, ...[...frames].reverse()]);
  t.notSame(turned.prefixes, expected.prefixes);
});

t.test('the episode part may be a field or a file, with or without a content type', async (t) => {
  for (const type of [undefined, 'application/json', 'application/json; charset=utf-8', 'text/plain']) {
    for (const filename of [undefined, 'episode.json'])
      t.strictSame(await answers([{ ...episode, filename, type }, ...frames]), expected, `${type}, ${filename}`);
  }
  t.strictSame(await answers([{ ...episode, type: 'application/octet-stream' }, ...frames]), expected);
});

t.test('frames and npy together are refused', async (t) => {
  isProblem(t, await postParts(app, [episode, ...frames, npy]), 'ambiguous-frames', { part: 'npy' });
  isProblem(t, await postParts(app, [npy, episode, ...frames]), 'ambiguous-frames', { part: 'frames' });
});

t.test('a repeated part is refused', async (t) => {
  isProblem(t, await postParts(app, [episode, episode, ...frames]), 'unexpected-part', { part: 'episode' });
  isProblem(t, await postParts(app, [episode, ...frames, episode]), 'unexpected-part', { part: 'episode' });
  isProblem(t, await postParts(app, [episode, npy, npy]), 'unexpected-part', { part: 'npy' });
});

t.test('a part with an unknown name is refused', async (t) => {
  for (const name of ['images', 'frames[]', 'Frames', 'Video', '']) {
    const file = { name, content: await frameFile(), filename: 'x.png' };
    isProblem(t, await postParts(app, [episode, file, ...frames]), 'unexpected-part', { part: name });
    const field = { name, content: 'x' };
    isProblem(t, await postParts(app, [episode, ...frames, field]), 'unexpected-part', { part: name });
  }
  const option = { name: 'fps', content: '4' };
  const { detail } = isProblem(t, await postParts(app, [episode, option, ...frames]), 'unexpected-part');
  t.match(detail, '`episode` (JSON, with all options)');
  for (const name of ['__proto__', 'constructor', 'toString']) {
    isProblem(t, await postParts(app, [{ name, content: 'x' }, episode, ...frames]), 'unexpected-part');
    const file = { name, content: 'x', filename: 'x.png' };
    isProblem(t, await postParts(app, [episode, ...frames, file]), 'unexpected-part');
  }
});

t.test('a form without an episode is refused', async (t) => {
  isProblem(t, await postParts(app, frames), 'missing-episode');
  isProblem(t, await postParts(app, [npy]), 'missing-episode');
});

t.test('a form without parts is refused', async (t) => {
  isProblem(t, await postParts(app, []), 'missing-episode');
});

t.test('an episode part that is not JSON is refused', async (t) => {
  for (const content of ['', 'fps=10', '{"fps":', "{'fps': 10}"]) {
    for (const how of [{}, { filename: 'episode.json' }, { type: 'application/json' }]) {
      const answer = await postParts(app, [{ name: 'episode', content, ...how }, ...frames]);
      isProblem(t, answer, 'malformed-json', { part: 'episode' });
    }
  }
});
