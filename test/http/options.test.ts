import t from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { postEpisode } from '../support/forms.ts';
import { frameFiles } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const engine = stubEngine();
const app = await buildTestApp(t, {}, engine);
const frames = await frameFiles(6);

const REFUSED: [options: object, code: ProblemCode, place: Partial<Problem>][] = [
  [{ speed: 3 }, 'invalid-request', { pointer: '/speed' }],
  [{ 'a/b~c': 3 }, 'invalid-request', { pointer: '/a~1b~0c' }],
  [{ task: 'x' }, 'invalid-request', { pointer: '/task' }],
  [{ prefixes: { step: 3 } }, 'invalid-request', { pointer: '/prefixes/step' }],
  [{ success: { treshold: -1 } }, 'invalid-request', { pointer: '/success/treshold' }],
  [{ id: 7 }, 'invalid-request', { pointer: '/id' }],
  [{ id: 'x'.repeat(257) }, 'invalid-request', { pointer: '/id' }],
  [{ prefixes: 15 }, 'invalid-request', { pointer: '/prefixes' }],
  [{ prefixes: [1, 2] }, 'invalid-request', { pointer: '/prefixes' }],
  [{ prefixes: { count: 1 } }, 'invalid-request', { pointer: '/prefixes/count' }],
  [{ prefixes: { count: 2.5 } }, 'invalid-request', { pointer: '/prefixes/count' }],
  [{ prefixes: { count: '15' } }, 'invalid-request', { pointer: '/prefixes/count' }],
  [{ prefixes: { count: 10_001 } }, 'invalid-request', { pointer: '/prefixes/count' }],
  [{ prefixes: { every: 0 } }, 'invalid-request', { pointer: '/prefixes/every' }],
  [{ prefixes: { last: 0 } }, 'invalid-request', { pointer: '/prefixes/last' }],
  [{ prefixes: { lengths: [] } }, 'invalid-request', { pointer: '/prefixes/lengths' }],
  [{ prefixes: { lengths: [0, 1] } }, 'invalid-request', { pointer: '/prefixes/lengths/0' }],
  [{ prefixes: { lengths: [1, 7] } }, 'invalid-prefixes', { pointer: '/prefixes/lengths/1' }],
  [{ prefixes: { lengths: [3, 2] } }, 'invalid-prefixes', { pointer: '/prefixes/lengths/1' }],
  [{ prefixes: { lengths: [1, 3, 3] } }, 'invalid-prefixes', { pointer: '/prefixes/lengths/2' }],
  [{ prefixes: { count: 3, every: 2 } }, 'invalid-prefixes', { pointer: '/prefixes' }],
  [{ prefixes: { lengths: [1], last: 2 } }, 'invalid-prefixes', { pointer: '/prefixes' }],
  [{ frame_size: 'budget' }, 'invalid-request', { pointer: '/max_pixels' }],
  [{ max_pixels: 4096 }, 'invalid-request', { pointer: '/max_pixels' }],
  [{ frame_size: 'native', max_pixels: 4096 }, 'invalid-request', { pointer: '/max_pixels' }],
  [{ frame_size: 'budget', max_pixels: 1023 }, 'invalid-request', { pointer: '/max_pixels' }],
  [{ frame_size: 'huge' }, 'invalid-request', { pointer: '/frame_size' }],
  [{ prompt: 'closed' }, 'invalid-request', { pointer: '/prompt' }],
  [{ success: { threshold: 0.5 } }, 'invalid-request', { pointer: '/success/threshold' }],
  [{ success: { final_prefixes: 0 } }, 'invalid-request', { pointer: '/success/final_prefixes' }],
  [{ include_token_ids: 'yes' }, 'invalid-request', { pointer: '/include_token_ids' }],
];

for (const [options, code, place] of REFUSED) {
  t.test(`refused: ${JSON.stringify(options).slice(0, 60)}`, async (t) => {
    isProblem(t, await postEpisode(app, { ...EPISODE, ...options }, frames), code, place);
  });
}

t.test('one problem lists all mistakes', async (t) => {
  const wrong = { ...EPISODE, fps: 'ten', prompt: 'closed', speed: 3 };
  const { errors = [] } = isProblem(t, await postEpisode(app, wrong, frames), 'invalid-request');
  t.strictSame(errors.map(({ pointer }) => pointer).sort(), ['/fps', '/prompt', '/speed']);
  t.match(errors.find(({ pointer }) => pointer === '/prompt')?.detail, /open, chat/);
});

t.test('the problem for an unknown member suggests the likely name', async (t) => {
  const meant: [wrong: object, pointer: string, name: string | undefined][] = [
    [{ prefix: { count: 3 } }, '/prefix', 'prefixes'],
    [{ instructions: 'x' }, '/instructions', 'instruction'],
    [{ frameSize: 'native' }, '/frameSize', 'frame_size'],
    [{ prefixes: { counts: 3 } }, '/prefixes/counts', 'count'],
    [{ progress: { bound: { low: -2, high: -1 } } }, '/progress/bound', 'bounds'],
    [{ success: { last: 3 } }, '/success/last', 'final_prefixes'],
    [{ calibration: { last: 3 } }, '/calibration/last', 'final_prefixes'],
    [{ last: 3 }, '/last', undefined],
    [{ 'a/b~c': 1 }, '/a~1b~0c', undefined],
  ];
  for (const [wrong, pointer, name] of meant) {
    const answer = await postEpisode(app, { ...EPISODE, ...wrong }, frames);
    const { detail } = isProblem(t, answer, 'invalid-request', { pointer });
    if (name) t.ok(detail.endsWith(`did you mean \`${name}\`?`), detail);
    else t.match(detail, /is not known; `\/docs` lists the members$/);
  }
});

t.test('the problem stays short if a request has many mistakes', async (t) => {
  const times = Array.from({ length: 20_000 }, () => 'x');
  const members = Object.fromEntries(times.map((_, i) => [`m${i}`, i]));
  for (const wrong of [
    { ...EPISODE, fps: undefined, timestamps_s: times },
    { ...EPISODE, ...members },
  ]) {
    const answer = await postEpisode(app, wrong, frames);
    isProblem(t, answer, 'invalid-request');
    t.ok(answer.body.length < 64_000, `${answer.body.length} bytes`);
  }
});

const LENGTHS: [prefixes: object, lengths: number[]][] = [
  [{}, [1, 2, 3, 4, 5, 6]],
  [{ count: 3 }, [1, 3, 6]],
  [{ count: 100 }, [1, 2, 3, 4, 5, 6]],
  [{ every: 4 }, [4, 6]],
  [{ every: 100 }, [6]],
  [{ last: 2 }, [5, 6]],
  [{ last: 100 }, [1, 2, 3, 4, 5, 6]],
  [{ lengths: [2, 5] }, [2, 5]],
];

for (const [prefixes, lengths] of LENGTHS) {
  t.test(`prefixes ${JSON.stringify(prefixes)} has the lengths ${lengths}`, async (t) => {
    const result = resultOf(t, await postEpisode(app, { ...EPISODE, prefixes }, frames));
    t.strictSame(
      result.prefixes.map(({ length }) => length),
      lengths,
    );
  });
}

t.test('`frame_size` sets the size at which frames are sent to the engine', async (t) => {
  const sizes = [
    [{}, { width: 244, height: 244 }],
    [{ frame_size: 'native' }, { width: 40, height: 24 }],
    [
      { frame_size: 'budget', max_pixels: 1024 },
      { width: 40, height: 24 },
    ],
  ] as const;
  for (const [options, sent] of sizes) {
    const { provenance } = resultOf(t, await postEpisode(app, { ...EPISODE, ...options }, frames));
    t.strictSame(provenance.frame_size.sent, sent);
    t.strictSame(engine.calls.at(-1)?.request.plan.frameGroups[0].size, sent);
  }
});

t.test('the result has the id, the prompt and the token ids that were requested', async (t) => {
  const id = ' é"\\ 7 ';
  const plain = resultOf(t, await postEpisode(app, { ...EPISODE, id }, frames));
  t.equal(plain.id, id);
  t.equal(plain.provenance.prompt.variant, 'open');
  t.notOk('token_ids' in plain.provenance.prompt);
  const chosen = { ...EPISODE, prompt: 'chat', include_token_ids: true };
  const chat = resultOf(t, await postEpisode(app, chosen, frames));
  t.notOk('id' in chat);
  t.equal(chat.provenance.prompt.variant, 'chat');
  t.strictSame(chat.provenance.prompt.token_ids, [1, 2, 3]);
  t.not(chat.score, plain.score);
});

t.test('the threshold comes from the request or from the operator; without one, success is null', async (t) => {
  t.equal(resultOf(t, await postEpisode(app, EPISODE, frames)).success, null);
  const low = resultOf(
    t,
    await postEpisode(app, { ...EPISODE, success: { threshold: -100, final_prefixes: 50 } }, frames),
  );
  t.strictSame(low.success, {
    flag: true,
    threshold: -100,
    threshold_source: 'request',
    curve: 'episode',
    final_prefixes: 6,
  });
  const high = resultOf(t, await postEpisode(app, { ...EPISODE, success: { threshold: 0 } }, frames));
  t.strictSame(high.success, {
    flag: false,
    threshold: 0,
    threshold_source: 'request',
    curve: 'episode',
    final_prefixes: 3,
  });
  const operated = await buildTestApp(t, { SUCCESS_THRESHOLD: -50 });
  const threshold = async (success: object) =>
    resultOf(t, await postEpisode(operated, { ...EPISODE, success }, frames)).success?.threshold;
  t.equal(await threshold({}), -50);
  t.equal(await threshold({ threshold: -1 }), -1);
});

t.test('a curve is flat below the limit of the operator, else of the model, else 0.2 nats', async (t) => {
  // Four prefixes: their log probabilities span 0.1875 nats.
  const narrow = stubEngine({ numbers: (share) => [share / 4 - 2, -0.2] });
  const taught = (flatBelow: number) => ({
    ...narrow,
    describe: () => ({ ...narrow.describe(), calibration: { successThreshold: -1, flatBelow } }),
  });
  const cases: [settings: Record<string, number>, engine: typeof narrow, flatBelow: number, flat: boolean][] = [
    [{}, narrow, 0.2, true],
    [{ FLAT_BELOW: 0.19 }, narrow, 0.19, true],
    [{ FLAT_BELOW: 0.1875 }, narrow, 0.1875, false],
    [{ FLAT_BELOW: 0 }, narrow, 0, false],
    [{}, taught(0.1), 0.1, false],
    [{}, taught(0.3), 0.3, true],
    [{ FLAT_BELOW: 0.3 }, taught(0.1), 0.3, true],
    [{ FLAT_BELOW: 0 }, taught(0.3), 0, false],
  ];
  for (const [settings, served, flatBelow, flat] of cases) {
    const flatApp = await buildTestApp(t, settings, served);
    const { log_prob_range, warnings } = resultOf(t, await postEpisode(flatApp, EPISODE, frames.slice(0, 4)));
    const name = `${JSON.stringify(settings)}, limit ${flatBelow}`;
    t.strictSame(log_prob_range, { min: -1.9375, max: -1.75, span: 0.1875, flat, flat_below: flatBelow }, name);
    t.strictSame(
      warnings.map(({ code }) => code),
      flat ? ['flat-curve'] : [],
      name,
    );
  }
});

t.test('frames are resized if one side differs, and the provenance says how', async (t) => {
  const resampling: [width: number, height: number, frame_size: string, how: string][] = [
    [120, 244, 'reference', 'pillow-bicubic'],
    [244, 120, 'reference', 'pillow-bicubic'],
    [244, 244, 'reference', 'none'],
    [120, 244, 'native', 'none'],
  ];
  for (const [width, height, frame_size, how] of resampling) {
    const files = await frameFiles(1, 'png', { width, height });
    const { provenance } = resultOf(t, await postEpisode(app, { ...EPISODE, frame_size }, files));
    const source = { width, height };
    t.match(provenance.frame_size, { source, resampling: how }, `${width}×${height}, ${frame_size}`);
  }
});

t.test('the problem lists at most 20 of very many mistakes', async (t) => {
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`option${i}`, 1]));
  const problem = isProblem(t, await postEpisode(app, { ...EPISODE, ...unknown }), 'invalid-request', {
    pointer: '/option0',
  });
  const few = (count = 0) => count > 1 && count <= 20;
  t.ok(few(problem.errors?.length));
  const times = { instruction: EPISODE.instruction, timestamps_s: Array.from({ length: 5000 }, () => 'now') };
  const other = isProblem(t, await postEpisode(app, times), 'invalid-request', { pointer: '/timestamps_s/0' });
  t.ok(few(other.errors?.length));
});
