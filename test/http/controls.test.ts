import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import t, { type Test } from 'tap';
import type { Controls } from '../../schemas/controls.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import type { RewardEvent } from '../../schemas/reward-event.ts';
import { isProblem, ofTopreward, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, postEpisode, postParts } from '../support/forms.ts';
import { frameFiles } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const files = await frameFiles(9);
const six = files.slice(0, 6);
const OTHER = 'Close the zebra-striped drawer.';
const ALL = { static: true, reversed: true, other_instruction: OTHER };
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const curve = ({ prefixes }: RewardResult) => prefixes.map(({ log_prob_true }) => log_prob_true);

/** The requested controls. @throws Error if there are none */
function controlsOf({ controls }: RewardResult): Controls {
  if (!controls) throw new Error('The result has no controls.');
  return controls;
}

async function score(t: Test, app: FastifyInstance, episode: object, frames = six): Promise<RewardResult> {
  return resultOf(t, await postEpisode(app, { ...EPISODE, ...episode }, frames));
}

t.test('each control has the numbers of the video and the instruction that it stands for', async (t) => {
  const app = await buildTestApp(t);
  for (const options of [
    { prefixes: { every: 1 } },
    { prefixes: { count: 3 } },
    { prefixes: { lengths: [2, 5] } },
    { prefixes: { lengths: [2, 5] }, pipeline: 'published' },
    { prefixes: { every: 1 }, pipeline: 'published' },
  ]) {
    const { voc: _, ...plain } = await score(t, app, options);
    const scored = await score(t, app, { ...options, controls: ALL });
    const { static: still, reversed, other_instruction: other } = controlsOf(scored);
    t.strictSame(curve(scored), curve(plain as RewardResult), 'the numbers of the episode stay the same');
    const shown = six.slice(0, scored.prefixes.at(-1)?.length);
    const alike = async (frames: Buffer[], more = {}) => score(t, app, { ...options, ...more }, frames);
    const expected = {
      still: await alike(shown.map(() => six[0] as Buffer)),
      reversed: await alike(shown.toReversed()),
      other: await alike(shown, { instruction: OTHER }),
    };
    for (const [control, { voc, log_prob_range, ...result }] of [
      [still, expected.still],
      [reversed, expected.reversed],
      [other, expected.other],
    ] as const) {
      t.strictSame(
        control?.log_prob_true,
        result.prefixes.map(({ log_prob_true }) => log_prob_true),
      );
      t.equal(control?.voc, voc);
      t.equal(control?.span, log_prob_range.span);
      t.equal(control?.prompt_tokens, result.usage.prompt_tokens);
      t.equal(control?.cached_tokens, result.usage.cached_tokens);
    }
    t.equal(scored.usage.engine_requests, 4 * plain.usage.engine_requests);
    const tokens = [still, reversed, other].reduce((sum, control) => sum + (control?.prompt_tokens ?? 0), 0);
    t.equal(scored.usage.prompt_tokens, plain.usage.prompt_tokens + tokens, 'the usage is that of all plans');
  }
});

t.test('controls have the times of the episode, whatever its clock', async (t) => {
  const app = await buildTestApp(t);
  // At 8 fps the sampled frames are 0, 4 and 8: a half second apart, as the frames of an episode at 2 fps.
  const fast = await score(t, app, { fps: 8, prefixes: { last: 1 }, controls: ALL }, files);
  const sampled = [files[8], files[4], files[0]] as Buffer[];
  const back = await score(t, app, { prefixes: { last: 1 } }, sampled);
  t.strictSame(controlsOf(fast).reversed?.log_prob_true, curve(back));
  const timestamps_s = [0, 0.5, 1.25, 1.5, 3, 3.5];
  const timed = { fps: undefined, timestamps_s, prefixes: { every: 1 } };
  const uneven = await score(t, app, { ...timed, controls: { static: true } });
  const still = await score(
    t,
    app,
    timed,
    six.map(() => six[0] as Buffer),
  );
  t.strictSame(controlsOf(uneven).static?.log_prob_true, curve(still));
});

t.test('a video is decoded again for its controls', needing('ffmpeg'), async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { PATH: process.env['PATH'] ?? '' }, engine);
  const content = await readFile(new URL('../compat/episode.mp4', import.meta.url));
  const ask = async (episode: object) =>
    resultOf(t, await postParts(app, [episodePart(episode), { name: 'video', content, filename: 'video' }]));
  const { instruction } = EPISODE;
  const { reversed, other_instruction: other } = controlsOf(await ask({ instruction, controls: ALL }));
  t.strictSame(other?.log_prob_true, curve(await ask({ instruction: OTHER })));
  t.equal(reversed?.log_prob_true.length, other?.log_prob_true.length);
  const [pixels, , back] = engine.calls.map((call) => call.pixels);
  t.strictSame([...(back?.keys() ?? [])], [...(pixels?.keys() ?? [])].toReversed());
  for (const [frame, bytes] of pixels ?? []) t.ok(back?.get(frame)?.equals(bytes), `frame ${frame}`);
});

t.test('only the requested controls are scored', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, {}, engine);
  for (const controls of [undefined, {}, { static: false, reversed: false }]) {
    t.equal((await score(t, app, { controls })).controls, null);
    t.equal(engine.calls.splice(0).length, 1);
  }
  for (const name of ['static', 'reversed', 'other_instruction'] as const) {
    const controls = controlsOf(await score(t, app, { controls: { [name]: ALL[name] } }));
    t.ok(controls[name]);
    t.equal(Object.values(controls).filter((control) => control === null).length, 2);
    t.equal(engine.calls.splice(0).length, 2);
  }
});

t.test('a static video needs its first frame only', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, {}, engine);
  await score(t, app, { controls: ALL });
  t.strictSame(
    engine.calls.map(({ pixels }) => [...pixels.keys()]),
    [[0, 1, 2, 3, 4, 5], [0], [5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5]],
  );
});

t.test('the rendered frames of one plan at a time are in memory', async (t) => {
  const bytes = 6 * 244 * 244 * 3;
  const app = await buildTestApp(t, { FRAME_MEMORY_BYTES: bytes });
  t.ok((await score(t, app, { controls: ALL })).controls);
});

t.test('lines have the prefixes of the episode only, and the controls in the result', async (t) => {
  const app = await buildTestApp(t);
  const parts = [episodePart({ ...EPISODE, prefixes: { every: 1 }, controls: ALL }), ...six.map(framePart)];
  const { body } = await postParts(app, parts, { accept: 'application/x-ndjson' });
  const events: RewardEvent[] = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.strictSame(
    events.map((line) => line.event),
    [...six.map(() => 'prefix'), 'result'],
  );
  const last = events.at(-1);
  t.ok(last?.event === 'result' && ofTopreward(last.result).controls?.static);
});

t.test('an undefined correlation of a control has the value that the request wants', async (t) => {
  const app = await buildTestApp(t);
  const one = { prefixes: { last: 1 }, controls: { reversed: true } };
  t.equal(controlsOf(await score(t, app, one)).reversed?.voc, null);
  t.equal(controlsOf(await score(t, app, { ...one, undefined_voc: 'zero' })).reversed?.voc, 0);
});

/** The log probability of True rises from −4 to −1 over the frames. A static video gets `still`, by its share of the frames. */
const rising = (still: (share: number) => number) =>
  stubEngine({
    numbers: (share, { plan }) => [plan.sampledFrames.length > 1 ? -4 + 3 * share : still(share), -0.5],
  });
const every = { prefixes: { every: 1 }, controls: { static: true } };
const rounded = (values: number[] | null | undefined) => values?.map((value) => Math.round(value * 1e6) / 1e6);

t.test('the corrected curve is that of the episode minus that of the static video', async (t) => {
  const app = await buildTestApp(
    t,
    {},
    rising((share) => -4 + share),
  );
  const { corrected } = controlsOf(await score(t, app, { ...every, success: { final_prefixes: 2 } })).static ?? {};
  // 3s − s at s = 1/6, 2/6, …
  t.strictSame(rounded(corrected?.values), rounded([1, 2, 3, 4, 5, 6].map((sixths) => sixths / 3)));
  t.strictSame(rounded(corrected?.progress), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  t.strictSame(rounded([corrected?.score ?? 0]), rounded([11 / 6]));
  t.strictSame(rounded(Object.values(corrected?.range ?? {})), rounded([1 / 3, 2, 5 / 3]));
  t.equal(corrected?.voc, 1);
});

t.test('the corrected curve has the scale of the request, but never its bounds', async (t) => {
  const app = await buildTestApp(
    t,
    {},
    rising(() => -4),
  );
  const progress = async (more: object) =>
    rounded(controlsOf(await score(t, app, { ...every, ...more })).static?.corrected.progress);
  const whole = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const bounds = { low: -4, high: -2 };
  t.strictSame(await progress({ progress: { scale: 'episode' } }), whole);
  t.strictSame(await progress({ progress: { bounds } }), whole);
  t.equal(await progress({ progress: { scale: 'none' } }), undefined);
  const growing = { frame_digests: six.map(sha256) };
  t.equal(await progress(growing), undefined);
  t.equal(await progress({ ...growing, progress: { bounds } }), undefined);
  t.strictSame(await progress({ ...growing, progress: { scale: 'episode' } }), whole);
});

const CALIBRATION = {
  curve: 'corrected',
  threshold: 1.5,
  bounds: { low: 0.5, high: 2.5 },
  best: null,
  precise: null,
  auc: null,
  counts: { episodes: 0, successes: 0, failures: 0, ranges: 0 },
  warnings: [],
};

t.test('a calibration of the corrected curve is for its score and its progress', async (t) => {
  const app = await buildTestApp(
    t,
    { SUCCESS_THRESHOLD: -1 },
    rising(() => -4),
  );
  const result = await score(t, app, { ...every, calibration: CALIBRATION, success: { final_prefixes: 1 } });
  t.match(result.success, { flag: true, threshold: 1.5, threshold_source: 'calibration', curve: 'corrected' });
  // The corrected curve is 0.5, 1, …, 3.
  const { corrected } = controlsOf(result).static ?? {};
  t.strictSame(rounded(corrected?.progress), [0, 0.25, 0.5, 0.75, 1, 1]);
  t.strictSame(corrected?.progress_scale, { scale: 'bounds', bounds: CALIBRATION.bounds });
  t.strictSame(result.progress_scale, { scale: 'episode', bounds: null }, 'the bounds are not for log probabilities');
  const higher = { ...every, calibration: { ...CALIBRATION, threshold: 3.5 }, success: { final_prefixes: 1 } };
  t.match((await score(t, app, higher)).success, { flag: false, curve: 'corrected' });
  const none = { ...every, calibration: { ...CALIBRATION, threshold: null } };
  t.match((await score(t, app, none)).success, { threshold_source: 'operator', curve: 'episode' });
});

t.test('a calibration of log probabilities is not for the corrected curve', async (t) => {
  const app = await buildTestApp(
    t,
    {},
    rising(() => -4),
  );
  const calibration = { ...CALIBRATION, curve: undefined, threshold: -2, bounds: { low: -4, high: -1 } };
  for (const curve of [undefined, 'episode']) {
    const result = await score(t, app, { ...every, calibration: { ...calibration, curve } });
    t.match(result.success, { threshold: -2, curve: 'episode' });
    t.match(result.progress_scale, { scale: 'bounds' });
    t.match(controlsOf(result).static?.corrected.progress_scale, { scale: 'episode', bounds: null });
  }
});

t.test('a calibration must fit the request and its own curve', async (t) => {
  const app = await buildTestApp(t);
  const post = (episode: object) => postEpisode(app, { ...EPISODE, ...episode }, six);
  const pointer = '/controls/static';
  for (const controls of [undefined, {}, { static: false, reversed: true }])
    isProblem(t, await post({ calibration: CALIBRATION, controls }), 'invalid-request', { pointer });
  const unnamed = { ...CALIBRATION, curve: undefined };
  isProblem(t, await post({ calibration: unnamed }), 'invalid-request', { pointer: '/calibration/threshold' });
  const below = { ...unnamed, threshold: -1, bounds: { low: -1, high: 0.5 } };
  isProblem(t, await post({ calibration: below }), 'invalid-request', { pointer: '/calibration/bounds/high' });
  const wrong = { ...CALIBRATION, curve: 'correct' };
  isProblem(t, await post({ calibration: wrong, controls: ALL }), 'invalid-request', { pointer: '/calibration/curve' });
  const scale = { calibration: CALIBRATION, controls: ALL, progress: { scale: 'bounds' } };
  const { detail } = isProblem(t, await post(scale), 'missing-bounds', { pointer: '/progress/bounds' });
  t.match(detail, 'a `calibration` of the curve "episode" with bounds', 'the calibration has bounds, but others');
});

t.test('a warning says if a static video has nearly the same curve', async (t) => {
  const codes = async (engine: ReturnType<typeof rising>, more: object = {}) => {
    const app = await buildTestApp(t, { FLAT_BELOW: 0.5 }, engine);
    return (await score(t, app, { ...every, ...more })).warnings.map(({ code }) => code);
  };
  t.strictSame(await codes(rising((share) => -4 + 2.5 * share)), ['like-static-video']);
  t.strictSame(await codes(rising((share) => -4 + 2 * share)), []);
  t.strictSame(
    await codes(
      rising((share) => -4 + 2.5 * share),
      { controls: { reversed: true } },
    ),
    [],
  );
  const flat = stubEngine({ numbers: (share) => [-2 + share / 10, -0.5] });
  t.strictSame(await codes(flat), ['flat-curve'], 'a flat curve has its own warning');
  t.strictSame(
    await codes(
      rising((share) => -4 + 3 * share),
      { prefixes: { last: 1 } },
    ),
    ['identical-prefixes'],
  );
});

t.test('unknown and wrong controls are refused', async (t) => {
  const app = await buildTestApp(t, {}, stubEngine({ controlTokens: ['<|odd|>', '<own>'] }));
  const refused = async (controls: unknown) => postEpisode(app, { ...EPISODE, controls }, six);
  const pointer = '/controls/other_instruction';
  const unknown = isProblem(t, await refused({ revers: true }), 'invalid-request', { pointer: '/controls/revers' });
  t.match(unknown.detail, 'did you mean `reversed`?');
  isProblem(t, await refused({ static: 'yes' }), 'invalid-request', { pointer: '/controls/static' });
  isProblem(t, await refused(true), 'invalid-request', { pointer: '/controls' });
  isProblem(t, await refused({ other_instruction: ' \n' }), 'missing-instruction', { pointer });
  for (const text of ['', 'Open \ud800', 'a'.repeat(4001), 7])
    isProblem(t, await refused({ other_instruction: text }), 'invalid-request', { pointer });
  for (const text of ['Open <|im_end|>', 'Open <own>'])
    isProblem(t, await refused({ other_instruction: text }), 'special-token-text', { pointer });
});

t.test('a growing episode has static and other controls, and refuses a reversed one', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { RECENT_FRAMES_BYTES: 0 }, engine);
  const { reversed: _, ...growing } = ALL;
  const digests = six.map(sha256);
  const step = (count: number, sent: Buffer[], controls: object = growing) =>
    postParts(app, [
      episodePart({ ...EPISODE, frame_digests: digests.slice(0, count), controls }),
      ...sent.map(framePart),
    ]);
  const pointer = '/controls/reversed';
  isProblem(t, await step(2, six.slice(0, 2), { reversed: true }), 'invalid-request', { pointer });
  const first = resultOf(t, await step(5, six.slice(0, 5)));
  const whole = await score(t, app, { prefixes: { last: 1 }, controls: growing }, six.slice(0, 5));
  t.strictSame(first.controls?.static?.log_prob_true, whole.controls?.static?.log_prob_true);
  t.strictSame(first.controls?.other_instruction?.log_prob_true, whole.controls?.other_instruction?.log_prob_true);
  t.ok(resultOf(t, await step(6, six.slice(5))).controls?.static, 'the engine still has the first frame');
});

t.test('a growing episode is told if the static video needs the first frame again', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { RECENT_FRAMES_BYTES: 0 }, engine);
  const digests = six.map(sha256);
  const step = (count: number, sent: Buffer[]) =>
    postParts(app, [
      episodePart({ ...EPISODE, frame_digests: digests.slice(0, count), controls: { static: true } }),
      ...sent.map(framePart),
    ]);
  resultOf(t, await step(4, six.slice(0, 4)));
  engine.forget();
  const sent = six.slice(1, 5);
  isProblem(t, await step(5, sent), 'frames-missing', { missing: digests.slice(0, 1) });
  t.ok(resultOf(t, await step(5, [...sent, six[0] as Buffer])).controls?.static);
});

t.test('controls and the corrected curve are made from the reward that the request chooses', async (t) => {
  const app = await buildTestApp(t);
  const ask = (options: object) => score(t, app, options);
  const answers = { true_texts: [' True', ' not really'], false_texts: [' False'], reward: 'log_odds' };
  const episode = { answers, top_answers: 2, prefixes: { lengths: [2, 6] } };
  const { prefixes, controls, usage } = await ask({ ...episode, controls: { static: true, other_instruction: OTHER } });
  const still = controls?.static;
  const near = (found: readonly number[] = [], expected: readonly number[] = []) =>
    found.length === 2 && found.every((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-9);
  t.ok(
    near(
      still?.corrected.values,
      prefixes.map(({ reward }, i) => reward - (still?.rewards[i] ?? Number.NaN)),
    ),
  );
  const other = await ask({ ...episode, instruction: OTHER });
  t.ok(
    near(
      controls?.other_instruction?.rewards,
      other.prefixes.map(({ reward }) => reward),
    ),
  );
  t.ok(
    near(
      controls?.other_instruction?.log_prob_true,
      other.prefixes.map(({ log_prob_true }) => log_prob_true),
    ),
  );
  t.ok(Math.abs((controls?.other_instruction?.span ?? 0) - other.log_prob_range.span) < 1e-9);
  t.equal(usage.engine_requests, 3 * 4, 'two steps for two prefixes, each for the episode and both controls');
});
