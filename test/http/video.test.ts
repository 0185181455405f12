import { readFileSync } from 'node:fs';
import t from 'tap';
import { comparable, isProblem, resultOf } from '../support/answers.ts';
import { episodePart, postParts } from '../support/forms.ts';
import { needing } from '../support/needs.ts';
import {
  hiddenPictures,
  LOSSLESS,
  makeVideo,
  numberedPixels,
  numberShown,
  packetsOf,
  remux,
  SIZE,
} from '../support/videos.ts';
import { AV1, even, NATIVE, videoApp, videoPart, X264 } from './video-support.ts';

const needs = needing('ffmpeg');

const { app, asked, seen } = await videoApp(t);

t.test('the pixels of a lossless video are those that were encoded', needs, async (t) => {
  const { sampled, pixels } = await seen(t, makeVideo(t, { type: 'mp4', args: LOSSLESS }), { from_s: 0.3 });
  for (const index of sampled) t.ok(pixels.get(index)?.equals(numberedPixels(3 + index)), `frame ${index}`);
});

t.test(
  'a range includes a frame at its start and excludes one at its end, even with rounding errors',
  needs,
  async (t) => {
    const path = makeVideo(t, { type: 'mp4', args: [...X264, '-g', '2'], count: 90, fps: 30 });
    const noise = [0, 1e-9, -1e-9, 5e-5, -5e-5];
    for (const off of noise) {
      const { times } = await seen(t, path, { from_s: 31 / 30 + off, to_s: 61 / 30 + off });
      t.strictSame(times, even(31, 61, 30));
    }
    t.same((await seen(t, path, { from_s: 31.4 / 30, to_s: 60.6 / 30 })).times, even(32, 61, 30), 'between frames');
    t.equal((await seen(t, path, { to_s: 1e-3 })).times.length, 1);
    t.equal((await seen(t, path, { from_s: 1e-3, to_s: 1e6 })).times.length, 89);
  },
);

t.test('a range is exact in a file with times in milliseconds', needs, async (t) => {
  const path = makeVideo(t, { type: 'mkv', args: [...X264, '-g', '12'], count: 90, fps: 30 });
  for (let from = 0; from < 80; from += 7) {
    const { times, sampled, pixels } = await seen(t, path, { from_s: from / 30, to_s: (from + 10) / 30 });
    t.equal(times.length, 10);
    t.equal(numberShown(pixels.get(sampled[0] as number) as Buffer), from);
  }
});

t.test('consecutive ranges split a file without gap or overlap', needs, async (t) => {
  const path = makeVideo(t, { type: 'mp4', args: [...AV1, '-g', '2'], count: 150, fps: 30 });
  const lengths = [17, 40, 1, 52, 40];
  let from = 0;
  for (const length of lengths) {
    const { times, sampled, pixels } = await seen(t, path, { from_s: from / 30, to_s: (from + length) / 30 });
    t.same(times, even(from, from + length, 30));
    for (const index of sampled) t.equal(numberShown(pixels.get(index) as Buffer), from + index);
    from += length;
  }
});

t.test('a video with a variable frame rate keeps its times', needs, async (t) => {
  const filter = 'settb=1/1000,setpts=N*N*3+N*20';
  const path = makeVideo(t, { type: 'mkv', args: [...X264, '-g', '12', '-enc_time_base', '1/1000'], filter });
  const expected = Array.from({ length: 40 }, (_, n) => (n * n * 3 + n * 20) / 1000);
  const { times, sampled, pixels } = await seen(t, path);
  t.strictSame(times, expected);
  for (const index of sampled) t.equal(numberShown(pixels.get(index) as Buffer), index);
  const late = await seen(t, path, { from_s: 1.2, to_s: 3 });
  t.strictSame(
    late.times,
    expected.filter((time) => time >= 1.2 && time < 3),
  );
});

t.test('frames that an edit list cuts off are not part of the episode', needs, async (t) => {
  const whole = makeVideo(t, { type: 'mp4', args: [...X264, '-g', '12'], count: 60 });
  const cut = remux(whole, ['-ss', '1.5'], []);
  const { times, sampled, pixels } = await seen(t, cut);
  t.equal(times.length, 45);
  for (const index of sampled) t.equal(numberShown(pixels.get(index) as Buffer), 15 + index);
});

t.test('a range uses the times of the file, even if its first frame is late', needs, async (t) => {
  const whole = makeVideo(t, { type: 'mkv', args: [...X264, '-g', '12'], count: 30 });
  const late = remux(whole, [], ['-output_ts_offset', '5'], 'mkv');
  const { times, result } = await seen(t, late);
  t.same(times, even(50, 80, 10));
  t.equal(result.prefixes.at(-1)?.time_s, 2.9, 'times of prefixes start at the first frame');
  t.same((await seen(t, late, { from_s: 6, to_s: 7 })).times, even(60, 70, 10));
  isProblem(t, await asked(late, { from_s: 1, to_s: 2 }), 'no-frames', { part: 'video' });
});

t.test('a video can have more sampled frames than one run of ffmpeg decodes', needs, async (t) => {
  const path = makeVideo(t, { type: 'mp4', args: [...X264, '-g', '12'], count: 1100, fps: 2 });
  const { sampled, pixels } = await seen(t, path, { prefixes: { last: 1 } });
  t.equal(sampled.length, 1100);
  for (const index of sampled) if (numberShown(pixels.get(index) as Buffer) !== index) t.fail(`frame ${index}`);
});

t.test('hidden frames of VP8 are not part of the episode', needs, async (t) => {
  const path = hiddenPictures(t);
  const { times, sampled, pixels } = await seen(t, path);
  t.equal(times.length, 120);
  for (const index of sampled) t.equal(numberShown(pixels.get(index) as Buffer), index);
  t.ok(packetsOf(path) > 120, 'the file has hidden frames');
});

t.test('an audio stream adds no frames', needs, async (t) => {
  const sound = ['-f', 'lavfi', '-i', 'sine=duration=4', '-c:a', 'aac', '-map', '1:a', '-map', '0:v'];
  const path = makeVideo(t, { type: 'mp4', args: [...sound, ...X264] });
  t.equal((await seen(t, path)).times.length, 40);
});

t.test('a long uncompressed audio stream does not exceed the sample limit', needs, async (t) => {
  const sound = ['-f', 'lavfi', '-i', 'sine=duration=120:sample_rate=44100', '-c:a', 'pcm_s16le'];
  const path = makeVideo(t, { type: 'mp4', args: [...sound, '-map', '1:a', '-map', '0:v', ...X264, '-f', 'mov'] });
  t.equal((await seen(t, path)).times.length, 40);
});

t.test('a rotation is ignored, with a warning', needs, async (t) => {
  const path = makeVideo(t, { type: 'mp4', args: LOSSLESS });
  const turned = remux(path, [], ['-metadata:s:v', 'rotate=90']);
  const { pixels, warnings, result } = await seen(t, turned);
  t.match(warnings, [{ code: 'orientation-ignored' }]);
  t.strictSame(result.provenance.frame_size.source, SIZE);
  t.ok(pixels.get(0)?.equals(numberedPixels(0)));
  t.notMatch((await seen(t, path)).warnings, [{ code: 'orientation-ignored' }]);
});

t.test('odd frame sizes are decoded exactly', needs, async (t) => {
  const size = { width: 49, height: 33 };
  const path = makeVideo(t, { ...size, type: 'mp4', args: LOSSLESS });
  const { pixels } = await seen(t, path);
  t.ok(pixels.get(0)?.equals(numberedPixels(0, size)));
});

t.test('the video part may come first, and a video can be sent as JSON', needs, async (t) => {
  const path = makeVideo(t, { type: 'mp4', args: LOSSLESS });
  const episode = { ...NATIVE, from_s: 1, to_s: 3 };
  const expected = comparable((await seen(t, path, { from_s: 1, to_s: 3 })).result);
  const turned = await postParts(app, [videoPart(path), episodePart(episode)]);
  t.strictSame(comparable(resultOf(t, turned)), expected);
  const payload = { episode, video: readFileSync(path).toString('base64') };
  const json = await app.inject({ method: 'POST', url: '/v1/rewards', payload });
  t.strictSame(comparable(resultOf(t, json)), expected);
});

t.test('in a batch, a damaged video does not affect the others', needs, async (t) => {
  const path = makeVideo(t, { type: 'mp4', args: LOSSLESS });
  const expected = comparable((await seen(t, path)).result);
  const video = readFileSync(path).toString('base64');
  const items = [
    { episode: NATIVE, video: video.slice(0, 4000) },
    { episode: NATIVE, video },
  ];
  const { body } = await app.inject({ method: 'POST', url: '/v1/rewards/batch', payload: { items } });
  const lines = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((one, other) => one.index - other.index);
  t.match(lines[0], { event: 'problem', problem: { code: 'video-damaged', pointer: '/items/0/video' } });
  t.strictSame(comparable(lines[1].result), expected);
});

t.test('/v1/model says that videos are accepted, and the result names the codec and the decoder', needs, async (t) => {
  t.equal((await app.inject('/v1/model')).json().video, true);
  const { result } = await seen(t, makeVideo(t, { type: 'mp4', args: LOSSLESS }));
  t.match(result.provenance.video, { codec: 'h264', decoder: /^ffmpeg \d/ });
});
