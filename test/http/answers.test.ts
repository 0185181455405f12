import t, { type Test } from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import type { Read, ReadNext } from '../../src/plan/plan.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, npyPart, postEpisode, postParts } from '../support/forms.ts';
import { frameFiles, npyFile } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

/** The log probability of True rises from −3.5 to −1 over the sampled frames; that of False is −2. */
const engine = stubEngine({ numbers: (share) => [-4 + 3 * share, -2], controlTokens: ['<odd>'] });
const app = await buildTestApp(t, {}, engine);
const frames = await frameFiles(6);
const ask = async (episode: object, to = app) => resultOf(t, await postEpisode(to, { ...EPISODE, ...episode }, frames));
/** What a query reads of the next token. */
function nextOf(read: Read | undefined): ReadNext {
  if (read && 'answers' in read) return read;
  throw new Error('The query does not read the next token.');
}
const near = (found: readonly number[], expected: readonly number[]) =>
  found.length === expected.length && found.every((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-12);
const softplus = (x: number) => Math.log(1 + Math.exp(x));

t.test('every number of a result is made from the reward that the request chooses', async (t) => {
  const logProbs = [-3.5, -3, -2.5, -2, -1.5, -1];
  const logOdds = logProbs.map((value) => value + 2);
  const normalised = logOdds.map((value) => -softplus(-value));
  for (const [reward, expected] of [
    ['log_prob', logProbs],
    ['log_odds', logOdds],
    ['normalised', normalised],
  ] as const) {
    const result = await ask({
      answers: { reward },
      success: { threshold: -0.5, final_prefixes: 2 },
      training: { values: { gamma: 0 } },
    });
    const { prefixes, score, success, log_prob_range: range, training, provenance } = result;
    t.ok(
      near(
        prefixes.map((each) => each.reward),
        expected,
      ),
      reward,
    );
    t.ok(
      near(
        prefixes.map((each) => each.log_prob_true),
        logProbs,
      ),
      'log_prob_true does not depend on it',
    );
    const [before = 0, last = 0] = expected.slice(-2);
    t.ok(near([score], [(before + last) / 2]), `score of ${reward}`);
    t.equal(success?.flag, score >= -0.5);
    t.ok(near([range.min, range.max], [expected[0] ?? 0, last]), 'range');
    t.ok(
      near(
        prefixes.map(({ progress }) => progress ?? -1),
        expected.map((v) => (v - range.min) / range.span),
      ),
    );
    t.ok(near(training?.values?.per_frame ?? [], expected), 'values with γ = 0 are the rewards');
    t.equal(provenance.answers.reward, reward);
  }
});

t.test('without `answers` the reward is log_prob_true, and the provenance names the tokens', async (t) => {
  const { prefixes, provenance } = await ask({});
  t.same(
    prefixes.map(({ reward }) => reward),
    prefixes.map(({ log_prob_true }) => log_prob_true),
  );
  t.match(provenance, {
    answers: { true_texts: [' True'], false_texts: [' False'], reward: 'log_prob' },
    true_tokens: [{ text: ' True', ids: [3082] }],
    false_tokens: [{ text: ' False', ids: [3557] }],
  });
  const chat = await ask({ prompt: 'chat' });
  t.same(chat.provenance.answers, { true_texts: ['True'], false_texts: ['False'], reward: 'log_prob' });
});

t.test('the query reads the texts of the request; those that are left out are those of the prompt', async (t) => {
  const { provenance } = await ask({ answers: { true_texts: [' Yes', ' True'] } });
  const { read } = engine.calls.at(-1)?.request.plan.queries[0] ?? {};
  t.same(nextOf(read).answers, [[' Yes', ' True'], [' False']]);
  t.equal(provenance.true_token.text, ' Yes');
  t.equal(provenance.true_tokens.length, 2);
  t.same(provenance.true_tokens[0]?.ids, [provenance.true_token.id]);
});

t.test('a text of several tokens is one more query per token and prefix, and lines wait for all of them', async (t) => {
  const answers = { true_texts: [' not really', ' not quite', ' True'], false_texts: [' it is not done'] };
  const episode = { ...EPISODE, answers, prefixes: { lengths: [2, 6] } };
  const { body } = await postParts(app, [episodePart(episode), ...frames.map(framePart)], {
    accept: 'application/x-ndjson',
  });
  const lines = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.same(
    lines.map(({ event, known }) => [event, known]),
    [
      ['prefix', 1],
      ['prefix', 2],
      ['result', undefined],
    ],
  );
  const { result } = lines[2];
  // Steps: the prompt, " not", " it", " it is", " it is not".
  t.equal(result.usage.engine_requests, 2 * 5);
  const { queries = [] } = engine.calls.at(-1)?.request.plan ?? {};
  t.same(
    queries
      .slice(0, 5)
      .map(({ read, framesUsed }) => [nextOf(read).start?.text, nextOf(read).answers.length, framesUsed]),
    [undefined, ' not', ' it', ' it is', ' it is not'].map((text, i) => [text, [3, 2, 1, 1, 1][i], 6]),
  );
  for (const { log_prob_true, log_prob_false } of result.prefixes)
    t.ok(Number.isFinite(log_prob_true) && Number.isFinite(log_prob_false));
  t.same(result.provenance.true_tokens[0].ids.length, 2);
});

t.test('lines have the reward of each prefix', async (t) => {
  const parts = [episodePart({ ...EPISODE, answers: { reward: 'log_odds' } }), ...frames.map(framePart)];
  const { body } = await postParts(app, parts, { accept: 'application/x-ndjson' });
  const lines = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const prefixes = lines.filter(({ event }) => event === 'prefix');
  t.equal(prefixes.length, 6);
  t.ok(prefixes.every(({ reward, log_odds }) => reward === log_odds));
});

t.test('a curve of other answers is flat below the noise of its reward, whatever the operator set', async (t) => {
  const operated = await buildTestApp(t, { FLAT_BELOW: 3 }, engine);
  const below = async (answers: object) => (await ask({ answers }, operated)).log_prob_range.flat_below;
  t.equal(await below({}), 3);
  t.equal(await below({ reward: 'log_odds' }), 0.4);
  t.equal(await below({ reward: 'normalised' }), 0.2);
});

t.test('the flat limit of the operator is for the aligned pipeline', async (t) => {
  const operated = await buildTestApp(t, { FLAT_BELOW: 3 }, engine);
  t.equal((await ask({ pipeline: 'published' }, operated)).log_prob_range.flat_below, 0.2);
});

t.test('a warning says if the model hardly ever continues with a text of the request', async (t) => {
  const codes = async (episode: object, value: number) => {
    const rare = await buildTestApp(t, {}, stubEngine({ numbers: () => [value, value] }));
    return (await ask(episode, rare)).warnings.map(({ code }) => code).filter((code) => code === 'unlikely-answers');
  };
  const answers = { true_texts: ['Yes'] };
  t.same(await codes({ answers }, Math.log(0.0049)), ['unlikely-answers']);
  t.same(await codes({ answers }, Math.log(0.0051)), []);
  t.same(await codes({}, Math.log(0.0049)), [], 'the default answers are those of the reference');
});

t.test('thresholds and bounds above 0 are for log odds', async (t) => {
  const answers = { reward: 'log_odds' };
  const { success, prefixes } = await ask({
    answers,
    success: { threshold: 0.4 },
    progress: { bounds: { low: -1, high: 2 } },
  });
  t.strictSame([success?.flag, success?.threshold], [true, 0.4]);
  t.ok(near([prefixes[5]?.progress ?? 0], [2 / 3]));
});

t.test('top_answers: the longest query reads them, and a wrong number is refused', async (t) => {
  const { top_answers } = await ask({ top_answers: 3, prefixes: { lengths: [2, 6] } });
  t.same(top_answers, [{ text: ' True', id: 3082, log_prob: -1 }]);
  const { queries } = engine.calls.at(-1)?.request.plan ?? {};
  t.same(
    queries?.map(({ read }) => nextOf(read).top),
    [3, undefined],
  );
  for (const count of [0, 21, 1.5, '3'])
    isProblem(t, await postEpisode(app, { ...EPISODE, top_answers: count }, frames), 'invalid-request', {
      pointer: '/top_answers',
    });
});

const texts = (count: number, word: string) => Array.from({ length: count }, (_, i) => ` ${word}${i}`);

const REFUSED: [answers: object, code: ProblemCode, place: Partial<Problem>][] = [
  [{ yes: [' Yes'] }, 'invalid-request', { pointer: '/answers/yes' }],
  [{ true_texts: [] }, 'invalid-request', { pointer: '/answers/true_texts' }],
  [{ true_texts: [''] }, 'invalid-request', { pointer: '/answers/true_texts/0' }],
  [{ true_texts: ' Yes' }, 'invalid-request', { pointer: '/answers/true_texts' }],
  [{ true_texts: ['x'.repeat(65)] }, 'invalid-request', { pointer: '/answers/true_texts/0' }],
  [{ true_texts: texts(129, 'a') }, 'invalid-request', { pointer: '/answers/true_texts' }],
  [{ true_texts: ['\ud800'] }, 'invalid-request', { pointer: '/answers/true_texts/0' }],
  [{ true_texts: [' Yes', ' Yes'] }, 'invalid-request', { pointer: '/answers/true_texts/1' }],
  [{ true_texts: [' Yes'], false_texts: [' No', ' Yes'] }, 'invalid-request', { pointer: '/answers/false_texts/1' }],
  [
    { true_texts: [' Yes', ' False'] },
    'invalid-request',
    { detail: '/answers/true_texts/1 is the default text for False; send `false_texts` too' },
  ],
  [
    { false_texts: [' True'] },
    'invalid-request',
    { detail: '/answers/false_texts/0 is the default text for True; send `true_texts` too' },
  ],
  [{ reward: 'odds' }, 'invalid-request', { pointer: '/answers/reward' }],
  [{ true_texts: ['<|im_end|>'] }, 'special-token-text', { pointer: '/answers/true_texts/0' }],
  [{ false_texts: [' No', '<odd>'] }, 'special-token-text', { pointer: '/answers/false_texts/1' }],
  [{ true_texts: [' not really', ' not'] }, 'invalid-answers', { pointer: '/answers/true_texts/0' }],
  [{ true_texts: [' False hope'] }, 'invalid-answers', { pointer: '/answers/true_texts/0' }],
  [
    { true_texts: [' a b c d e f g h i j k l m n o p q', ' A B C D E F G H I J K L M N O P Q R'] },
    'invalid-answers',
    { pointer: '/answers', limit: 32 },
  ],
  [{ true_texts: [' True', 'True'] }, 'invalid-answers', { pointer: '/answers/true_texts/1' }],
  [{ true_texts: texts(64, 'a'), false_texts: texts(65, 'b') }, 'invalid-answers', { pointer: '/answers', limit: 128 }],
];

for (const [answers, code, place] of REFUSED) {
  t.test(`refused: ${JSON.stringify(answers).slice(0, 70)}`, async (t) => {
    isProblem(t, await postEpisode(app, { ...EPISODE, answers }, frames), code, place);
  });
}

t.test('refused: a threshold and bounds that no reward reaches', async (t) => {
  for (const [episode, pointer] of [
    [{ success: { threshold: 0.4 } }, '/success/threshold'],
    [{ progress: { bounds: { low: -1, high: 0.5 } } }, '/progress/bounds/high'],
    [{ success: { threshold: 0.4 }, answers: { reward: 'normalised' } }, '/success/threshold'],
  ] as const)
    t.match(
      isProblem(t, await postEpisode(app, { ...EPISODE, ...episode }, frames), 'invalid-request', { pointer }).detail,
      'must be at most 0, unless `answers.reward` is "log_odds"',
    );
});

t.test('128 texts are accepted', async (t) => {
  const { provenance } = await ask({ answers: { true_texts: texts(64, 'a'), false_texts: texts(64, 'b') } });
  t.equal(provenance.false_tokens.length, 64);
});

const calibration = {
  threshold: -2,
  bounds: null,
  best: null,
  precise: null,
  auc: null,
  counts: { episodes: 0, successes: 0, failures: 0, ranges: 0 },
  warnings: [],
};
const logOdds = { true_texts: [' True', ' Yes'], false_texts: [' False'], reward: 'log_odds' };

t.test('a calibration holds for the answers that it names; without any, for the default answers', async (t) => {
  const made = { ...calibration, answers: logOdds, threshold: 0.5 };
  const used = async (answers: object | undefined, sent: object) => (await ask({ answers, calibration: sent })).success;
  t.match(await used(logOdds, made), { threshold: 0.5, threshold_source: 'calibration' });
  const reordered = { ...logOdds, true_texts: [' Yes', ' True'] };
  t.match(await used(reordered, made), { threshold: 0.5 }, 'the order of the texts does not matter');
  t.match(await used(undefined, calibration), { threshold: -2 });
  t.match(await used({ false_texts: [' No'] }, calibration), { threshold: -2 }, 'the reward is the same');
  for (const [answers, sent] of [
    [undefined, made],
    [logOdds, calibration],
    [{ ...logOdds, reward: 'normalised' }, made],
    [{ ...logOdds, true_texts: [' Yes'] }, made],
    [{ ...logOdds, false_texts: [' No'] }, made],
    [{ reward: 'log_odds' }, made],
  ]) {
    const response = await postEpisode(app, { ...EPISODE, answers, calibration: sent }, frames);
    isProblem(t, response, 'calibration-mismatch', { pointer: '/calibration/answers' });
  }
});

t.test('refused: a calibration with a threshold that its own reward cannot reach', async (t) => {
  const sent = { ...calibration, threshold: 0.5, answers: { ...logOdds, reward: 'normalised' } };
  const response = await postEpisode(app, { ...EPISODE, answers: logOdds, calibration: sent }, frames);
  isProblem(t, response, 'invalid-request', { pointer: '/calibration/threshold' });
});

t.test('a calibration is made from log odds, and repeats the answers', async (t) => {
  const post = (body: object) => app.inject({ method: 'POST', url: '/v1/calibrations', payload: body });
  const episodes = [0.5, 1, 1.5, 2, 2.5, -1, -2, -3, -4, -5].map((score) => ({
    success: score > 0,
    score,
    log_prob_range: { min: score - 2, max: score },
  }));
  const made = await post({ episodes, answers: logOdds });
  t.equal(made.statusCode, 200, made.body);
  t.match(made.json(), { answers: logOdds, threshold: -0.25, bounds: { low: -0.5, high: 1.5 } });
  const { success } = await ask({ answers: logOdds, calibration: made.json() });
  t.strictSame(success?.flag, true);
  isProblem(t, await post({ episodes }), 'invalid-request', { pointer: '/episodes/0/score' });
  isProblem(t, await post({ episodes, answers: { ...logOdds, reward: 'normalised' } }), 'invalid-request', {
    pointer: '/episodes/0/score',
  });
  isProblem(t, await post({ episodes, answers: { reward: 'log_odds' } }), 'invalid-request', { pointer: '/answers' });
});

/** An app whose engine notes the texts that it tokenizes. */
async function countingApp(t: Test) {
  const counting = stubEngine();
  const tokenized: string[] = [];
  const { tokenIdsOf } = counting;
  counting.tokenIdsOf = (text, caller) => {
    tokenized.push(text);
    return tokenIdsOf(text, caller);
  };
  return { to: await buildTestApp(t, {}, counting), tokenized };
}

t.test('texts after those that need too many queries are not tokenized', async (t) => {
  const { to, tokenized } = await countingApp(t);
  // Two tokens for three characters.
  const long = Array.from({ length: 128 }, (_, i) => `${i}${'a  '.repeat(20)}`);
  const answers = { true_texts: [' Yes', ...long.slice(1)], false_texts: [' No'] };
  isProblem(t, await postEpisode(to, { ...EPISODE, answers }, frames), 'invalid-answers', {
    pointer: '/answers',
    limit: 32,
  });
  t.same(tokenized, [' Yes', ...long.slice(1, 2)]);
});

t.test('texts after the first one of more than 128 tokens in one query are not tokenized', async (t) => {
  const { to, tokenized } = await countingApp(t);
  const answers = { true_texts: texts(100, 'a'), false_texts: texts(100, 'b') };
  isProblem(t, await postEpisode(to, { ...EPISODE, answers }, frames), 'invalid-answers', {
    pointer: '/answers',
    limit: 128,
  });
  t.equal(tokenized.length, 129);
});

t.test('too many queries of all prefixes together are refused before they are planned', async (t) => {
  const calls = engine.calls.length;
  // 400 frames of one pixel: at 2 fps every frame is sampled.
  const npy = npyFile(Buffer.alloc(400 * 3), { shape: [400, 1, 1, 3] });
  const controls = { static: true, reversed: true, other_instruction: 'Close the drawer.' };
  const post = (episode: object) =>
    postParts(app, [episodePart({ ...EPISODE, fps: 2, prefixes: { every: 1 }, ...episode }), npyPart(npy)]);
  // 26 queries for each prefix.
  const answers = { true_texts: [' a b c d e f g h i j k l m n o p q r s t u v w x y z'] };
  const problem = isProblem(t, await post({ answers, controls }), 'invalid-prefixes', {
    pointer: '/prefixes',
    limit: 40_000,
  });
  t.match(problem.detail, /The 400 prefixes with different sampled frames need 41600 queries/);
  t.equal(engine.calls.length, calls);
  resultOf(t, await post({ answers, controls: { static: true } }));
  resultOf(t, await post({ controls }));
});
