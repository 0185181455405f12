import t from 'tap';
import type { EpisodePlan } from '../../src/plan/plan.ts';
import { comparable, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, npyPart, postEpisode, postParts } from '../support/forms.ts';
import { bitFlipped, episodePixels, frameFile, frameFiles, npyFile, truncated } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const engine = stubEngine();
const app = await buildTestApp(t, {}, engine);
const lastCall = () => engine.calls.at(-1) as (typeof engine.calls)[0];
/** The queries of a plan without their text and answers. */
const shapesOf = ({ queries }: EpisodePlan) => queries.map(({ text: _, read: __, ...shape }) => shape);
const taken = () => [...lastCall().pixels.keys()];

t.test('an episode of one frame has one prefix', async (t) => {
  const result = resultOf(t, await postEpisode(app, EPISODE, await frameFiles(1)));
  t.strictSame(
    result.prefixes.map(({ length, time_s, frames_used, progress }) => ({ length, time_s, frames_used, progress })),
    [{ length: 1, time_s: 0, frames_used: 1, progress: 1 }],
  );
  t.strictSame(result.progress_curve, [1]);
  t.equal(result.voc, null);
  t.strictSame(shapesOf(lastCall().request.plan), [
    { framesUsed: 1, shows: 0, own: [{ frames: [0, 0], time: '0.0' }], frameGroup: 0 },
  ]);
});

t.test('an episode of two frames at 2 fps has one block and one prefix', async (t) => {
  const result = resultOf(t, await postEpisode(app, EPISODE, await frameFiles(2)));
  t.strictSame(
    result.prefixes.map(({ length }) => length),
    [2],
  );
  const { plan } = lastCall().request;
  t.strictSame(shapesOf(plan), [{ framesUsed: 2, shows: 1, own: [], frameGroup: 0 }]);
  t.strictSame(plan.blocks, [{ frames: [0, 1], time: '0.2' }]);
});

t.test('if the number of sampled frames is odd, the last one is in its block twice', async (t) => {
  for (const count of [3, 5, 7]) {
    const result = resultOf(t, await postEpisode(app, EPISODE, await frameFiles(count)));
    t.equal(result.progress_curve?.length, count);
    const longest = lastCall().request.plan.queries[0];
    t.equal(longest.framesUsed, count);
    t.match(longest.own, [{ frames: [count - 1, count - 1] }]);
  }
});

t.test('prefixes that show the same sampled frames share one engine request', async (t) => {
  const frames = await frameFiles(10);
  const every = { prefixes: { every: 1 } };
  const result = resultOf(t, await postEpisode(app, { ...EPISODE, fps: 10, ...every }, frames));
  t.strictSame(
    result.prefixes.map(({ frames_used }) => frames_used),
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 2],
  );
  t.equal(result.usage.engine_requests, 2);
  t.equal(new Set(result.prefixes.map(({ log_prob_true }) => log_prob_true)).size, 2);
  t.strictSame(result.provenance.sampled_frame_indices, [0, 5]);
  const one = resultOf(t, await postEpisode(app, { ...EPISODE, fps: 1000, ...every }, frames));
  t.equal(one.usage.engine_requests, 1);
  t.match(one.warnings, [{ code: 'identical-prefixes' }]);
});

t.test('if all prefixes show the same frames, the range is null and a warning explains the progress', async (t) => {
  const frames = await frameFiles(2);
  for (const [count, asked] of [
    [1, {}],
    [2, {}],
    [2, { prefixes: { last: 1 } }],
  ] as const) {
    const { log_prob_range, progress_curve, warnings } = resultOf(
      t,
      await postEpisode(app, { ...EPISODE, ...asked }, frames.slice(0, count)),
    );
    t.equal(log_prob_range.flat, null);
    t.strictSame(progress_curve, Array(count).fill(1));
    t.match(warnings, [{ code: 'identical-prefixes', message: /progress is then 1/ }], `${count} frames`);
  }
  const bounds = { progress: { bounds: { low: -4, high: -0.1 } } };
  const bounded = resultOf(t, await postEpisode(app, { ...EPISODE, ...bounds }, frames));
  t.strictSame(bounded.warnings, [], 'with bounds there is no warning');
});

t.test('only sampled frames are decoded', async (t) => {
  const frames = await frameFiles(9);
  const asked = { ...EPISODE, fps: 8, frame_size: 'native' };
  const whole = comparable(resultOf(t, await postEpisode(app, asked, frames)));
  t.strictSame(taken(), [0, 4, 8]);
  const damage = (damaged: number[]) =>
    frames.map((file, i) => {
      if (!damaged.includes(i)) return file;
      return i % 2 ? bitFlipped(file) : truncated(file);
    });
  const spared = await postEpisode(app, asked, damage([1, 2, 3, 5, 6, 7]));
  t.strictSame(comparable(resultOf(t, spared)), whole);
  for (const frame of [0, 4, 8])
    isProblem(t, await postEpisode(app, asked, damage([frame])), 'image-damaged', { part: 'frames', frame });
});

t.test('only sampled frames are decoded if the episode part is last or has timestamps', async (t) => {
  const frames = await frameFiles(9);
  const damaged = frames.map((file, i) => (i % 4 ? bitFlipped(file) : file));
  const timed = { instruction: EPISODE.instruction, timestamps_s: frames.map((_, i) => 100 + i / 8) };
  for (const episode of [{ ...EPISODE, fps: 8 }, timed]) {
    const expected = comparable(resultOf(t, await postEpisode(app, episode, frames)));
    const last = await postParts(app, [...damaged.map(framePart), episodePart(episode)]);
    t.strictSame(comparable(resultOf(t, last)), expected);
  }
});

t.test('frames after the longest prefix are not decoded', async (t) => {
  const frames = await frameFiles(9);
  const files = frames.map((file, i) => (i > 4 ? truncated(file) : file));
  resultOf(t, await postEpisode(app, { ...EPISODE, fps: 8, prefixes: { lengths: [2, 5] } }, files));
  t.strictSame(taken(), [0, 4]);
});

t.test('the sampled frames are correct if the last sampling time is after the last frame', async (t) => {
  for (let count = 1; count <= 12; count += 1) {
    for (const fps of [3, 5, 7]) {
      const result = resultOf(t, await postEpisode(app, { ...EPISODE, fps }, await frameFiles(count)));
      t.strictSame(taken(), result.provenance.sampled_frame_indices, `${count} frames at ${fps} fps`);
    }
  }
});

t.test('3,000 small frames have the same result as parts and as npy', { timeout: 60_000 }, async (t) => {
  const size = { width: 8, height: 8 };
  const asked = episodePart({ ...EPISODE, fps: 30, frame_size: 'native' });
  const files: Buffer[] = [];
  for (let seed = 0; seed < 3000; seed += 1) files.push(await frameFile('png', { ...size, seed }));
  const asParts = resultOf(t, await postParts(app, [asked, ...files.map(framePart)]));
  t.equal(asParts.progress_curve?.length, 3000);
  t.equal(asParts.provenance.sampled_frame_indices.length, 200);
  t.equal(asParts.prefixes.length, 15);
  const asPartsLast = resultOf(t, await postParts(app, [...files.map(framePart), asked]));
  t.strictSame(comparable(asPartsLast), comparable(asParts));
  const npy = npyFile(episodePixels(3000, size), { shape: [3000, 8, 8, 3] });
  t.strictSame(comparable(resultOf(t, await postParts(app, [asked, npyPart(npy)]))), comparable(asParts));
});
