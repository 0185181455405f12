import t from 'tap';
import { publishedPixels } from '../../src/frames/published-pixels.ts';
import { createResampler } from '../../src/frames/resample.ts';
import { isProblem, resultOf, rgb } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, postEpisode, postParts } from '../support/forms.ts';
import { frameFiles, HEIGHT, WIDTH } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const PUBLISHED = { ...EPISODE, pipeline: 'published' };
const engine = stubEngine();
const app = await buildTestApp(t, {}, engine);
const lastPlan = () => {
  const plan = engine.calls.at(-1)?.request.plan;
  if (!plan) throw new Error('The engine was not called.');
  return plan;
};

t.test('each prefix shows evenly spaced frames of its own, at 24 fps', async (t) => {
  const result = resultOf(
    t,
    await postEpisode(app, { ...PUBLISHED, prefixes: { lengths: [3, 60] } }, await frameFiles(60)),
  );
  const [longest, shorter] = lastPlan().queries;
  t.strictSame(
    longest.own.map(({ frames, time }) => [...frames, time]),
    [
      [0, 15, '0.3'],
      [30, 44, '1.5'],
      [59, 59, '2.5'],
    ],
  );
  // Three frames become four: the last one is repeated, with a time of its own.
  t.strictSame(
    shorter?.own.map(({ frames, time }) => [...frames, time]),
    [
      [0, 1, '0.0'],
      [2, 2, '0.1'],
    ],
  );
  t.strictSame(
    result.prefixes.map(({ length, frames_used }) => [length, frames_used]),
    [
      [3, 4],
      [60, 5],
    ],
  );
  const { pipeline, frame_size, sampled_frame_indices } = result.provenance;
  t.equal(pipeline, 'published');
  t.strictSame(sampled_frame_indices, [0, 15, 30, 44, 59]);
  t.match(frame_size, { sent: { width: 320, height: 320 }, resampling: 'published' });
  t.strictSame(frame_size.per_prefix, [
    { width: 320, height: 320 },
    { width: 320, height: 320 },
  ]);
  t.match(
    result.warnings.find(({ code }) => code === 'no-shared-pass'),
    { message: /prompts have 350 tokens; that of the longest prefix has 210/ },
  );
});

t.test('the true rate of the frames changes only the times in the response', async (t) => {
  const files = await frameFiles(30);
  const [slow, fast] = [
    resultOf(t, await postEpisode(app, { ...PUBLISHED, fps: 2 }, files)),
    resultOf(t, await postEpisode(app, { ...PUBLISHED, fps: 30 }, files)),
  ];
  t.strictSame(
    fast.prefixes.map(({ log_prob_true }) => log_prob_true),
    slow.prefixes.map(({ log_prob_true }) => log_prob_true),
  );
  t.not(fast.prefixes.at(-1)?.time_s, slow.prefixes.at(-1)?.time_s);
});

t.test('the pixels are those of the published steps', async (t) => {
  const files = await frameFiles(4);
  resultOf(t, await postEpisode(app, PUBLISHED, files));
  const pixels = await rgb(files[3] as Buffer);
  const from = { width: WIDTH, height: HEIGHT };
  const expected = publishedPixels(createResampler(), { pixels, from, check: () => {} }, 320);
  t.ok(engine.calls.at(-1)?.pixels.get(3)?.equals(expected));
});

t.test('options about which the published pipeline has no choice are refused by name', async (t) => {
  const digest = 'a'.repeat(64);
  for (const [member, value] of [
    ['frame_size', 'native'],
    ['frame_size', 'reference'],
    ['frame_digests', [digest]],
  ] as const) {
    const answer = await postEpisode(app, { ...PUBLISHED, [member]: value }, await frameFiles(1));
    const problem = isProblem(t, answer, 'invalid-request', { pointer: `/${member}` });
    t.match(problem.detail, /cannot be combined with `pipeline: "published"`/);
  }
  isProblem(t, await postEpisode(app, { ...EPISODE, pipeline: 'paper' }, await frameFiles(1)), 'invalid-request');
});

t.test('too many frames of all prefixes together are refused before a frame is rendered', async (t) => {
  const calls = engine.calls.length;
  const [file] = await frameFiles(1);
  const many = Array.from({ length: 1200 }, () => framePart(file as Buffer));
  const answer = await postParts(app, [episodePart({ ...PUBLISHED, prefixes: { every: 1 } }), ...many]);
  const problem = isProblem(t, answer, 'invalid-prefixes', { pointer: '/prefixes', limit: 20_000 });
  t.match(problem.detail, /The 1200 prefixes, with controls and further tokens, show \d+ frames/);
  t.equal(engine.calls.length, calls);
});

t.test('each control counts as a further video', async (t) => {
  const [file] = await frameFiles(1);
  const many = Array.from({ length: 900 }, () => file as Buffer);
  const asked = { ...PUBLISHED, prefixes: { every: 2 } };
  const problem = isProblem(
    t,
    await postEpisode(app, { ...asked, controls: { static: true, reversed: true } }, many),
    'invalid-prefixes',
  );
  t.match(problem.detail, /The 450 prefixes, with controls and further tokens, show 5\d{4} frames/);
});

t.test('thresholds of the aligned pipeline are not used, and its calibrations are refused', async (t) => {
  const app = await buildTestApp(t, { SUCCESS_THRESHOLD: -1 });
  const files = await frameFiles(4);
  t.equal(resultOf(t, await postEpisode(app, EPISODE, files)).success?.threshold_source, 'operator');
  t.equal(resultOf(t, await postEpisode(app, PUBLISHED, files)).success, null);
  const episodes = Array.from({ length: 10 }, (_, i) => ({ success: i < 5, score: -1 - i }));
  const calibrated = async (pipeline?: string) => {
    const payload = { pipeline, episodes };
    const calibration = (await app.inject({ method: 'POST', url: '/v1/calibrations', payload })).json();
    return postEpisode(app, { ...PUBLISHED, calibration }, files);
  };
  t.equal(resultOf(t, await calibrated('published')).success?.threshold_source, 'calibration');
  for (const pipeline of ['aligned', undefined])
    isProblem(t, await calibrated(pipeline), 'calibration-mismatch', { pointer: '/calibration/pipeline' });
});
