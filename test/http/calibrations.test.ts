import t from 'tap';
import { fetch } from 'undici';
import type { Calibration } from '../../schemas/calibration.ts';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { isProblem } from '../support/answers.ts';
import { buildTestApp, listen, whenLoad } from '../support/app.ts';
import { multipart, npyPart } from '../support/forms.ts';
import { rawClient } from '../support/sockets.ts';
import { stubEngine } from '../support/stub-engine.ts';

const app = await buildTestApp(t);
const post = (payload: unknown, headers: Record<string, string> = {}, to = app) =>
  to.inject({
    method: 'POST',
    url: '/v1/calibrations',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });
const episode = (success: boolean, score: number) => ({
  success,
  score,
  log_prob_range: { min: score - 2, max: score },
});
const episodes = [
  ...[-0.1, -0.2, -0.3, -0.4, -1.5].map((score) => episode(true, score)),
  ...[-1, -2, -3, -4, -5].map((score) => episode(false, score)),
];

t.test('labelled episodes produce a threshold, bounds and a confusion matrix', async (t) => {
  const { statusCode, body } = await post({ model: 'm', prompt: 'open', task: 'Open.', episodes });
  t.equal(statusCode, 200);
  const found: Calibration = JSON.parse(body);
  t.match(found, {
    model: 'm',
    prompt: 'open',
    task: 'Open.',
    threshold: -0.7,
    bounds: { low: -2.3, high: -0.3 },
    best: { true_positives: 4, false_positives: 0, true_negatives: 5, false_negatives: 1, precision: 1 },
    precise: null,
    auc: { value: 0.96 },
    counts: { episodes: 10, successes: 5, failures: 5, ranges: 5 },
    warnings: [{ code: 'few-episodes' }],
  });
});

t.test('scores of the corrected curve can be above 0', async (t) => {
  const above = episodes.map((each) => {
    const { min, max } = each.log_prob_range;
    return { ...each, score: each.score + 3, log_prob_range: { min: min + 3, max: max + 3 } };
  });
  const { statusCode, body } = await post({ curve: 'corrected', final_prefixes: 3, episodes: above });
  t.equal(statusCode, 200);
  const { threshold, bounds, ...found }: Calibration = JSON.parse(body);
  t.match(found, { curve: 'corrected', auc: { value: 0.96 } });
  const rounded = [threshold, bounds?.low, bounds?.high].map((value) => Math.round((value ?? Number.NaN) * 1e6) / 1e6);
  t.strictSame(rounded, [2.3, 0.7, 2.7]);
  for (const curve of [undefined, 'episode']) {
    const problem = isProblem(t, await post({ curve, episodes: above }), 'invalid-request', {
      pointer: '/episodes/0/score',
    });
    t.match(problem.detail, 'must be at most 0, unless `answers.reward` is "log_odds" or `curve` is "corrected"');
    t.equal(problem.errors?.length, 8);
  }
  isProblem(t, await post({ curves: 'corrected', episodes: above }), 'invalid-request', { pointer: '/curves' });
  isProblem(t, await post({ curve: 'right', episodes }), 'invalid-request', { pointer: '/curve' });
});

t.test('log odds can be above 0, a range can be a single value, and an episode needs no range', async (t) => {
  const answers = { true_texts: [' True'], false_texts: [' False'], reward: 'log_odds' };
  const single = { min: 0.5, max: 0.5 };
  const scored = episodes.map(({ success, score }) => ({ success, score: score + 3 }));
  const { statusCode, body } = await post({ answers, episodes: [...scored, { ...scored[0], log_prob_range: single }] });
  t.equal(statusCode, 200, body);
  t.match(JSON.parse(body), { answers, counts: { episodes: 11, ranges: 1 } });
  const more = { answers: { ...answers, rewards: 'log_odds' }, episodes };
  isProblem(t, await post(more), 'invalid-request', { pointer: '/answers/rewards' });
});

t.test('a calibration does not need an engine', async (t) => {
  const unready = await buildTestApp(t, {}, stubEngine({ unready: () => new Error('no engine') }));
  t.equal((await post({ episodes }, {}, unready)).statusCode, 200);
});

const REFUSED: [what: string, body: unknown, code: ProblemCode, place: Partial<Problem>][] = [
  ['no episodes', {}, 'invalid-request', {}],
  ['an empty list', { episodes: [] }, 'invalid-request', { pointer: '/episodes' }],
  ['null', null, 'invalid-request', {}],
  [
    'a range that no model can produce',
    { episodes: Array(6).fill({ ...episodes[0], log_prob_range: { min: -1.7e308, max: 0 } }) },
    'invalid-request',
    { pointer: '/episodes/0/log_prob_range/min' },
  ],
  ['an episode without a label', { episodes: [{ score: -1 }] }, 'invalid-request', { pointer: '/episodes/0' }],
  [
    'a label that is a string',
    { episodes: [{ ...episodes[0], success: 'yes' }] },
    'invalid-request',
    { pointer: '/episodes/0/success' },
  ],
  [
    'a score above 0',
    { episodes: [...episodes, episode(true, 0.1)] },
    'invalid-request',
    { pointer: '/episodes/10/score' },
  ],
  [
    'a range with min above max',
    { episodes: [{ success: true, score: -1, log_prob_range: { min: -1, max: -2 } }] },
    'invalid-request',
    { pointer: '/episodes/0/log_prob_range/max' },
  ],
  ['a precision of 0', { episodes, precision: 0 }, 'invalid-request', { pointer: '/precision' }],
  ['an unknown prompt', { episodes, prompt: 'closed' }, 'invalid-request', { pointer: '/prompt' }],
  ['an unknown member', { episodes, restoreRecent: 1 }, 'invalid-request', { pointer: '/restoreRecent' }],
  [
    'too many episodes',
    { episodes: Array.from({ length: 10_001 }, () => ({ success: true, score: -1 })) },
    'invalid-request',
    { pointer: '/episodes' },
  ],
  ['a body that is not JSON', '{', 'malformed-json', {}],
  [
    'a number too large for floating point',
    '{"episodes":[{"success":true,"score":-1e999}]}',
    'invalid-request',
    { pointer: '/episodes/0/score' },
  ],
  ['a body of more than 4 MiB', ' '.repeat(4 * 1024 * 1024 + 1), 'upload-too-large', {}],
];

for (const [what, body, code, place] of REFUSED) {
  t.test(`refused: ${what}`, async (t) => {
    isProblem(t, await post(body), code, place);
  });
}

t.test('the detail names the document if the mistake is in it as a whole', async (t) => {
  for (const [body, detail] of [
    [null, 'The document must be an object'],
    [{}, 'The document must have `episodes`'],
  ] as const) {
    const problem = isProblem(t, await post(body), 'invalid-request');
    t.equal(problem.detail, detail);
  }
});

t.test('a calibration in a form is refused', async (t) => {
  const form = multipart([npyPart(Buffer.from('x'))]);
  isProblem(t, await app.inject({ method: 'POST', url: '/v1/calibrations', ...form }), 'unsupported-media-type');
});

t.test('a calibration of 10,000 episodes is accepted', async (t) => {
  const many = Array.from({ length: 10_000 }, (_, i) => episode(i % 2 === 0, -1 - ((i * 7919) % 1000) / 100));
  const { statusCode, body } = await post({ episodes: many });
  t.equal(statusCode, 200);
  t.equal((JSON.parse(body) as Calibration).counts.episodes, 10_000);
});

t.test('a calibration waits to be admitted like every upload, and a silent upload times out', async (t) => {
  const busy = await buildTestApp(t, { MAX_ACTIVE: 1, UPLOAD_IDLE_S: 2 });
  const port = await listen(busy);
  const silent = await rawClient(t, port, '/v1/calibrations');
  silent.post(1000, { 'content-type': 'application/json' });
  await whenLoad(busy, { active: 1, bytes: 3000 });
  const second = fetch(`http://127.0.0.1:${port}/v1/calibrations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ episodes }),
  });
  await whenLoad(busy, { active: 1, waiting: 1 });
  isProblem(t, await silent.answer(), 'upload-timeout');
  t.equal((await second).status, 200, 'the next request is then admitted');
  await whenLoad(busy, { active: 0, waiting: 0, bytes: 0 });
});

t.test('a calibration requires a key if API_KEYS is set', async (t) => {
  const locked = await buildTestApp(t, { API_KEYS: 'alice=alice-has-this-key' });
  isProblem(t, await post({ episodes }, {}, locked), 'unauthorized');
  const allowed = await post({ episodes }, { authorization: 'Bearer alice-has-this-key' }, locked);
  t.equal(allowed.statusCode, 200);
});
