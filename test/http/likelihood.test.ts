import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { Compile } from 'typebox/compile';
import type { LikelihoodResult } from '../../schemas/likelihood.ts';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { RewardEvent } from '../../schemas/reward-event.ts';
import { isProblem, likelihoodOf, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, multipart, npyPart, postEpisode, postParts } from '../support/forms.ts';
import { frameFile, frameFiles, npyFile } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { INSTRUCTION, stubEngine } from '../support/stub-engine.ts';

/** Like real tokenizers, it has tokens for a word, for a full stop, and for some other signs with a full stop. */
const words = /\.\.|!\?\.| ?[^ .!?]+|[.!?]| +/g;
/** The longer the prefix, the likelier each token; the later the token, the less likely. */
const following = (share: number, place: number) => -(place + 1) * (1.5 - share);
const engine = stubEngine({ words, following, controlTokens: ['<odd>'] });
const app = await buildTestApp(t, {}, engine);
const frames = await frameFiles(6);

const BARE = INSTRUCTION.slice(0, -1);
/** Its last two tokens become one with a full stop. */
const APART = `${BARE}!?`;
const ENDS = [BARE, INSTRUCTION, APART];
const WORDS = [' Open', ' the', ' zebra-striped', ' drawer'];
const EPISODE = { method: 'instruction_likelihood', instruction: BARE, fps: 2 };
const SHARES = [1, 2, 3, 4, 5, 6].map((count) => count / 6);

const ask = async (more: object = {}, to = app, files = frames) =>
  likelihoodOf(t, await postEpisode(to, { ...EPISODE, ...more }, files));
const near = (found: readonly number[], expected: readonly number[]) =>
  found.length === expected.length && found.every((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-12);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const rewards = ({ prefixes }: LikelihoodResult) => prefixes.map(({ reward }) => reward);
const lastCall = () => {
  const call = engine.calls.at(-1);
  if (!call) throw new Error('The engine was not called.');
  return call.request.plan;
};

t.test(
  'each prefix has every token of the instruction, their sum and their mean, with and without a full stop',
  async (t) => {
    const { prefixes, usage } = await ask();
    t.equal(prefixes.length, 6);
    for (const [
      i,
      { length, time_s, frames_used, without_full_stop: bare, with_full_stop: full },
    ] of prefixes.entries()) {
      t.strictSame([length, time_s, frames_used], [i + 1, i / 2, i + 1]);
      const expected = [0, 1, 2, 3, 4].map((place) => following(SHARES[i] ?? 0, place));
      t.ok(near(full.tokens, expected), `with: ${full.tokens}`);
      t.ok(near(bare.tokens, expected.slice(0, 4)), `without: ${bare.tokens}`);
      t.ok(near([full.sum, full.mean], [sum(expected), sum(expected) / 5]));
      t.ok(near([bare.sum, bare.mean], [sum(expected.slice(0, 4)), sum(expected.slice(0, 4)) / 4]));
    }
    t.equal(usage.engine_requests, 6, 'one query of the stub reads both texts');
  },
);

t.test('everything is computed from the reward that the request chooses', async (t) => {
  const { prefixes } = await ask();
  for (const [likelihood, text, kind, flatBelow] of [
    [undefined, 'without_full_stop', 'sum', 0.2 * Math.sqrt(4)],
    [{}, 'without_full_stop', 'sum', 0.2 * Math.sqrt(4)],
    [{ reward: 'mean' }, 'without_full_stop', 'mean', 0.2 / Math.sqrt(4)],
    [{ full_stop: true }, 'with_full_stop', 'sum', 0.2 * Math.sqrt(5)],
    [{ reward: 'mean', full_stop: true }, 'with_full_stop', 'mean', 0.2 / Math.sqrt(5)],
  ] as const) {
    const expected = prefixes.map((each) => each[text][kind]);
    const [first = 0, last = 0] = [expected[0], expected.at(-1)];
    const training = { values: { gamma: 0 } };
    const result = await ask({ likelihood, success: { final_prefixes: 2 }, training });
    const name = JSON.stringify(likelihood);
    t.ok(near(rewards(result), expected), name);
    t.ok(near([result.score], [sum(expected.slice(-2)) / 2]), 'score');
    t.equal(result.voc, 1);
    const { min, max, span, flat, flat_below } = result.log_prob_range;
    t.ok(near([min, max, span, flat_below], [first, last, last - first, flatBelow]), 'range');
    t.equal(flat, false);
    const progress = expected.map((value) => (value - first) / (last - first));
    t.ok(
      near(
        result.prefixes.map((each) => each.progress ?? -1),
        progress,
      ),
      'progress',
    );
    t.ok(near(result.progress_curve ?? [], progress), 'the dense curve');
    t.strictSame(result.progress_scale, { scale: 'episode', bounds: null });
    t.ok(near(result.training?.values?.per_frame ?? [], expected), 'values with γ = 0 are the rewards');
    t.equal(result.success, null);
    t.strictSame(result.provenance.likelihood, {
      reward: kind,
      full_stop: text === 'with_full_stop',
    });
  }
});

t.test('a curve is flat below the noise of its tokens together', async (t) => {
  for (const [likelihood, limit] of [
    [{}, 0.4],
    [{ full_stop: true }, 0.2 * Math.sqrt(5)],
    [{ reward: 'mean' }, 0.1],
    [{ reward: 'mean', full_stop: true }, 0.2 / Math.sqrt(5)],
  ] as const) {
    for (const [factor, flat] of [
      [0.99, true],
      [1.01, false],
    ] as const) {
      const count = 'full_stop' in likelihood ? 5 : 4;
      const each = (factor * limit) / ('reward' in likelihood ? 1 : count) / (1 - 1 / 6);
      const moving = stubEngine({ words, following: (share) => -5 + share * each });
      const { log_prob_range, warnings } = await ask({ likelihood }, await buildTestApp(t, {}, moving));
      t.equal(log_prob_range.flat, flat, `${JSON.stringify(likelihood)}: ${log_prob_range.span}`);
      t.equal(
        warnings.some(({ code }) => code === 'flat-curve'),
        flat,
      );
    }
  }
});

t.test(
  'only a threshold of the request decides about success, and only its bounds and scale about progress',
  async (t) => {
    const operated = await buildTestApp(t, { SUCCESS_THRESHOLD: -100, FLAT_BELOW: 50 }, engine);
    const usual = await ask({}, operated);
    t.equal(usual.success, null, 'the threshold of the operator is for TOPReward');
    t.equal(usual.log_prob_range.flat_below, 0.4, 'as is its flat limit');
    const { score } = await ask();
    for (const [threshold, flag] of [
      [score + 0.01, false],
      [score - 0.01, true],
    ] as const)
      t.strictSame((await ask({ success: { threshold } }, operated)).success, {
        flag,
        threshold,
        threshold_source: 'request',
        curve: 'episode',
        final_prefixes: 3,
      });
    const bounds = { low: -10, high: -5 };
    const { prefixes } = await ask({ progress: { bounds } });
    t.ok(
      near(
        prefixes.map(({ progress }) => progress ?? -1),
        SHARES.map((share) => Math.min(1, Math.max(0, (10 * share - 5) / 5))),
      ),
    );
    t.ok((await ask({ progress: { scale: 'none' } })).prefixes.every(({ progress }) => progress === null));
    const above = await postEpisode(app, { ...EPISODE, success: { threshold: 0.1 } }, frames);
    isProblem(t, above, 'invalid-request', { pointer: '/success/threshold' });
  },
);

t.test('the provenance has the prompt, and the tokens that follow it', async (t) => {
  const { provenance, usage, id } = await ask({ id: 'one', include_token_ids: true });
  t.equal(id, 'one');
  const texts = (tokens: { text: string }[]) => tokens.map(({ text }) => text);
  t.strictSame(texts(provenance.instruction_tokens), WORDS);
  t.strictSame(texts(provenance.full_stop_tokens), [...WORDS, '.']);
  t.strictSame(provenance.full_stop_tokens.slice(0, 4), provenance.instruction_tokens);
  t.match(
    provenance.prompt.text,
    /The above video shows a robot manipulation trajectory that completes the following task:$/,
  );
  t.equal(provenance.prompt.variant, 'open');
  t.strictSame(provenance.prompt.token_ids, [1, 2, 3]);
  t.strictSame(provenance.sampled_frame_indices, [0, 1, 2, 3, 4, 5]);
  t.match(provenance, { model: 'stub-model', pipeline: 'aligned', layout: 'reference' });
  t.ok(usage.prompt_tokens > 0);
  const plan = lastCall();
  t.equal(plan.prompt, 'open');
  t.strictSame(
    plan.queries.map(({ text, read }) => [text, 'follows' in read && read.follows.text]),
    plan.queries.map(() => [
      'The above video shows a robot manipulation trajectory that completes the following task:',
      ` ${BARE}.`,
    ]),
  );
});

const lineSchema = Compile(RewardEvent);

/** The lines of a response, each checked against the contract. */
async function linesOf(episode: object): Promise<RewardEvent[]> {
  const parts = [episodePart({ ...EPISODE, ...episode }), ...frames.map(framePart)];
  const { body } = await postParts(app, parts, { accept: 'application/x-ndjson' });
  return body
    .trim()
    .split('\n')
    .map((line) => {
      const event: unknown = JSON.parse(line);
      if (!lineSchema.Check(event)) throw new Error(`The line does not fit the contract: ${line}`);
      return event;
    });
}

t.test('lines have the likelihoods of each prefix, once both texts are read', async (t) => {
  for (const instruction of ENDS) {
    const events = await linesOf({ instruction, prefixes: { lengths: [1, 2, 4] } });
    const last = events.pop();
    t.equal(events.length, 3);
    if (last?.event !== 'result' || last.result.method !== 'instruction_likelihood')
      throw new Error('The last line is not a result of this method.');
    const sent = events.map((event) => {
      if (event.event !== 'likelihood_prefix') throw new Error(`The event is ${event.event}.`);
      return event;
    });
    t.strictSame(
      sent.map(({ known, total }) => [known, total]),
      [
        [1, 3],
        [2, 3],
        [3, 3],
      ],
    );
    t.strictSame(
      sent.map(({ event: _, known: __, total: ___, ...line }) => line).sort((a, b) => a.length - b.length),
      last.result.prefixes.map(({ progress: _, ...prefix }) => prefix),
    );
  }
});

t.test('a full stop that makes another token of the last one is read in its place, in the same query', async (t) => {
  const second = stubEngine({ words });
  const merging = await buildTestApp(t, {}, second);
  const { prefixes, provenance, usage } = await ask({ instruction: INSTRUCTION }, merging);
  const texts = (tokens: { text: string }[]) => tokens.map(({ text }) => text);
  t.strictSame(texts(provenance.instruction_tokens), [...WORDS, '.']);
  t.strictSame(texts(provenance.full_stop_tokens), [...WORDS, '..']);
  t.equal(usage.engine_requests, 6, 'one query for each prefix');
  // The stub computes a token from what comes before it: the shared beginning is equal in both texts.
  const bare = await ask({}, merging);
  for (const [i, { without_full_stop: stop, with_full_stop: stops, reward }] of prefixes.entries()) {
    const other = bare.prefixes[i];
    t.strictSame(stop.tokens, other?.with_full_stop.tokens, 'the instruction with its full stop');
    t.strictSame(stops.tokens.slice(0, 4), other?.without_full_stop.tokens);
    t.not(stops.tokens[4], stop.tokens[4], 'the last tokens are others');
    t.ok(near([stop.sum, stops.sum], [sum(stop.tokens), sum(stops.tokens)]));
    t.equal(reward, stop.sum);
  }
});

t.test('a full stop that makes other tokens of the last two is read in a second query', async (t) => {
  const second = stubEngine({ words });
  const merging = await buildTestApp(t, {}, second);
  const { prefixes, provenance, usage } = await ask({ instruction: APART }, merging);
  const texts = (tokens: { text: string }[]) => tokens.map(({ text }) => text);
  t.strictSame(texts(provenance.instruction_tokens), [...WORDS, '!', '?']);
  t.strictSame(texts(provenance.full_stop_tokens), [...WORDS, '!?.']);
  t.equal(usage.engine_requests, 12, 'two queries for each of six prefixes');
  const bare = await ask({ instruction: `${BARE}!` }, merging);
  for (const [i, { without_full_stop: stop, with_full_stop: stops, reward }] of prefixes.entries()) {
    const other = bare.prefixes[i];
    t.strictSame(stop.tokens.slice(0, 5), other?.without_full_stop.tokens, 'the instruction itself');
    t.strictSame(stops.tokens.slice(0, 4), other?.without_full_stop.tokens.slice(0, 4));
    t.equal(stops.tokens.length, 5);
    t.equal(reward, stop.sum);
  }
  const plan = second.calls[0]?.request.plan;
  t.strictSame(
    plan?.queries.slice(0, 2).map(({ read, framesUsed }) => ['follows' in read && read.follows.text, framesUsed]),
    [
      [` ${APART}.`, 6],
      [` ${APART}`, 6],
    ],
  );
});

t.test('prefixes with the same sampled frames have the same numbers, in order of their lengths', async (t) => {
  for (const instruction of ENDS) {
    const { prefixes, usage, warnings } = await ask({ instruction, fps: 6, prefixes: { every: 1 } });
    t.strictSame(
      prefixes.map(({ length, frames_used }) => [length, frames_used]),
      [1, 2, 3, 4, 5, 6].map((length) => [length, length < 4 ? 1 : 2]),
    );
    t.strictSame(new Set(rewards({ prefixes } as LikelihoodResult).map(String)).size, 2);
    t.equal(usage.engine_requests, instruction === APART ? 4 : 2);
    t.strictSame(warnings, []);
  }
});

t.test('a batch has results of several methods', async (t) => {
  const items = [
    { episode: EPISODE, frame_count: 6 },
    { episode: { ...EPISODE, method: 'topreward' }, frame_count: 6 },
    { episode: { ...EPISODE, method: undefined }, frame_count: 6 },
    { episode: { ...EPISODE, likelihood: { reward: 'mean' } }, frame_count: 6 },
    { episode: { ...EPISODE, prompt: 'chat' }, frame_count: 6 },
  ];
  const parts = [{ name: 'batch', content: JSON.stringify({ items }) }, ...items.flatMap(() => frames.map(framePart))];
  const { headers, payload } = multipart(parts);
  const { body } = await app.inject({ method: 'POST', url: '/v1/rewards/batch', headers, payload });
  const events = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(events.pop(), { event: 'end', scored: 4, failed: 1 });
  events.sort((a, b) => a.index - b.index);
  t.strictSame(
    events.map(({ result, problem }) => result?.method ?? problem.pointer),
    ['instruction_likelihood', 'topreward', 'topreward', 'instruction_likelihood', '/items/4/episode/prompt'],
  );
  t.strictSame(events[0].result.prefixes, (await ask()).prefixes);
  t.strictSame(events[3].result.prefixes, (await ask({ likelihood: { reward: 'mean' } })).prefixes);
});

t.test('a growing episode has the numbers of the complete one', async (t) => {
  const growing = stubEngine({ words });
  const to = await buildTestApp(t, { RECENT_FRAMES_BYTES: 0 }, growing);
  const digests = frames.map((bytes) => createHash('sha256').update(bytes).digest('hex'));
  const step = (count: number, sent: Buffer[]) =>
    postParts(to, [
      episodePart({ ...EPISODE, instruction: INSTRUCTION, frame_digests: digests.slice(0, count) }),
      ...sent.map(framePart),
    ]);
  for (const count of [4, 5, 6]) {
    const grown = likelihoodOf(t, await step(count, frames.slice(count === 4 ? 0 : count - 1, count)));
    const whole = await ask({ instruction: INSTRUCTION, prefixes: { last: 1 } }, to, frames.slice(0, count));
    t.strictSame(
      grown.prefixes.map(({ progress: _, ...prefix }) => prefix),
      whole.prefixes.map(({ progress: _, ...prefix }) => prefix),
    );
    t.strictSame(grown.progress_scale.scale, 'none');
  }
  growing.forget();
  isProblem(t, await step(6, frames.slice(5)), 'frames-missing', { missing: digests.slice(0, 5) });
});

t.test('a video has the numbers of its frames', needing('ffmpeg'), async (t) => {
  const to = await buildTestApp(t, { PATH: process.env['PATH'] ?? '' }, engine);
  const content = await readFile(new URL('../compat/episode.mp4', import.meta.url));
  const { fps: _, ...episode } = EPISODE;
  const parts = [episodePart(episode), { name: 'video', content, filename: 'video' }];
  const { prefixes, provenance } = likelihoodOf(t, await postParts(to, parts));
  t.ok(provenance.video);
  t.ok(prefixes.length > 1);
  t.ok(
    near(
      prefixes.at(-1)?.without_full_stop.tokens ?? [],
      [0, 1, 2, 3].map((place) => following(1, place)),
    ),
  );
});

t.test('the published pipeline shows each prefix its own frames', async (t) => {
  const { prefixes, provenance } = await ask({ pipeline: 'published', instruction: APART });
  t.equal(provenance.pipeline, 'published');
  t.equal(provenance.frame_size.per_prefix?.length, prefixes.length);
  const { queries } = lastCall();
  t.equal(queries.length, 2 * prefixes.length);
  t.ok(queries.every(({ shows, own }) => shows === 0 && own.length > 0));
});

const CALIBRATION = {
  threshold: -2,
  bounds: null,
  best: null,
  precise: null,
  auc: null,
  counts: { episodes: 0, successes: 0, failures: 0, ranges: 0 },
  warnings: [],
};

t.test('options of other methods are refused by name', async (t) => {
  const refused = async (episode: object, pointer: string, detail: RegExp) =>
    t.match(isProblem(t, await postEpisode(app, episode, frames), 'invalid-request', { pointer }).detail, detail);
  const only = (method: string) => new RegExp(`requires \`method: "${method}"\``);
  for (const [name, value, detail] of [
    ['prompt', 'open', /whose prompt ends with the instruction/],
    ['prompt', 'chat', /whose prompt ends with the instruction/],
    ['answers', {}, only('topreward')],
    ['answers', { reward: 'log_odds' }, only('topreward')],
    ['top_answers', 3, only('topreward')],
    ['calibration', CALIBRATION, /`success.threshold`/],
    ['controls', {}, only('topreward')],
    ['controls', { static: true }, only('topreward')],
    ['gvl', {}, only('gvl')],
    ['gvl', { count: 3 }, only('gvl')],
  ] as const)
    await refused({ ...EPISODE, [name]: value }, `/${name}`, detail);
  for (const method of ['topreward', undefined])
    for (const likelihood of [{}, { reward: 'sum' }])
      await refused({ ...EPISODE, method, likelihood }, '/likelihood', only('instruction_likelihood'));
  const both = isProblem(
    t,
    await postEpisode(app, { ...EPISODE, top_answers: 3, controls: {}, gvl: {} }, frames),
    'invalid-request',
  );
  t.strictSame(both.errors?.map(({ pointer }) => pointer).sort(), ['/controls', '/gvl', '/top_answers']);
});

const REFUSED: [episode: object, code: ProblemCode, place: Partial<Problem>][] = [
  [{ method: 'likelihood' }, 'invalid-request', { pointer: '/method' }],
  [{ method: null }, 'invalid-request', { pointer: '/method' }],
  [{ likelihood: { reward: 'max' } }, 'invalid-request', { pointer: '/likelihood/reward' }],
  [{ likelihood: { full_stop: 'yes' } }, 'invalid-request', { pointer: '/likelihood/full_stop' }],
  [{ likelihood: { stop: true } }, 'invalid-request', { pointer: '/likelihood/stop' }],
  [{ likelihood: [] }, 'invalid-request', { pointer: '/likelihood' }],
  [{ instruction: ' \n' }, 'missing-instruction', { pointer: '/instruction' }],
  [{ instruction: 'Open \ud800' }, 'invalid-request', { pointer: '/instruction' }],
  [{ instruction: 'Open <|im_end|>' }, 'special-token-text', { pointer: '/instruction' }],
  [{ instruction: 'Open <odd>' }, 'special-token-text', { pointer: '/instruction' }],
  [{ instruction: 'a '.repeat(256) }, 'instruction-too-long', { pointer: '/instruction', limit: 256 }],
];

for (const [episode, code, place] of REFUSED) {
  t.test(`refused: ${JSON.stringify(episode).slice(0, 70)}`, async (t) => {
    isProblem(t, await postEpisode(app, { ...EPISODE, ...episode }, frames), code, place);
  });
}

t.test('256 tokens are accepted, those of the full stop included', async (t) => {
  const instruction = Array(255).fill('a').join(' ');
  const { provenance, prefixes } = await ask({ instruction });
  t.strictSame([provenance.instruction_tokens.length, provenance.full_stop_tokens.length], [255, 256]);
  t.equal(prefixes[0]?.with_full_stop.tokens.length, 256);
  const longer = await postEpisode(app, { ...EPISODE, instruction: `${instruction} a` }, frames);
  isProblem(t, longer, 'instruction-too-long', { pointer: '/instruction', limit: 256 });
});

/** Frames of one pixel. */
const tiny = (count: number) => npyPart(npyFile(Buffer.alloc(3 * count, 90), { shape: [count, 1, 1, 3] }));

t.test('the tokens of all prefixes together are limited', async (t) => {
  // 200 tokens with the full stop, and 200 prefixes that differ in their sampled frames.
  const instruction = Array(199).fill('a').join(' ');
  const post = (count: number, more: object = {}) =>
    postParts(app, [episodePart({ ...EPISODE, instruction, fps: 2, prefixes: { every: 1 }, ...more }), tiny(count)]);
  t.equal(likelihoodOf(t, await post(200)).prefixes.length, 200);
  const place = { pointer: '/prefixes', limit: 40_000 };
  isProblem(t, await post(201), 'invalid-prefixes', place);
  // Another last token is read with the others.
  t.equal(likelihoodOf(t, await post(200, { instruction: `${instruction}.` })).prefixes.length, 200);
  // A second query for each prefix: 200 tokens, and 201 others.
  isProblem(t, await post(100, { instruction: `${instruction}!?` }), 'invalid-prefixes', place);
  t.equal(likelihoodOf(t, await post(99, { instruction: `${instruction}!?` })).prefixes.length, 99);
});

t.test('10,000 prefixes are scored in bounded time and memory', async (t) => {
  const episode = { ...EPISODE, instruction: 'a a a a a a a a a', fps: 10_000, prefixes: { every: 1 } };
  const started = performance.now();
  const before = process.memoryUsage().rss;
  const { statusCode, body } = await postParts(app, [episodePart(episode), tiny(10_000)]);
  const [seconds, megabytes] = [(performance.now() - started) / 1000, (process.memoryUsage().rss - before) / 2 ** 20];
  const { prefixes, log_prob_range } = likelihoodOf(t, { statusCode, body });
  t.equal(prefixes.length, 10_000);
  t.equal(prefixes.at(-1)?.with_full_stop.tokens.length, 10);
  t.equal(log_prob_range.flat, false);
  t.ok(body.length < 16 * 2 ** 20, `${body.length} bytes`);
  t.ok(seconds < 10, `${seconds} s`);
  t.ok(megabytes < 300, `${megabytes} MiB`);
  t.comment(`${body.length} bytes, ${seconds.toFixed(2)} s, ${megabytes.toFixed(0)} MiB`);
});

t.test('the values of tokens in a response are limited', async (t) => {
  // Two sampled frames need two queries at most, but each of the prefixes has the values of both texts.
  const post = (words: number, every: number) => {
    const instruction = Array(words).fill('a').join(' ');
    const episode = { ...EPISODE, instruction, fps: 10_000, prefixes: { every } };
    return postParts(app, [episodePart(episode), tiny(10_000)]);
  };
  const place = { pointer: '/prefixes', limit: 200_000 };
  const { detail } = isProblem(t, await post(10, 1), 'invalid-prefixes', place);
  t.match(detail, '210000 log probabilities, 21 for each of 10000 prefixes');
  isProblem(t, await post(255, 20), 'invalid-prefixes', place);
  t.equal(likelihoodOf(t, await post(255, 26)).prefixes.length, 385);
});

t.test('a tokenizer that makes one token of the end of the prompt and the instruction is refused', async (t) => {
  const joined = stubEngine({ words: /[^ ]+:? ?[A-Z]?|./g });
  const to = await buildTestApp(t, {}, joined);
  const { detail } = isProblem(t, await postEpisode(to, EPISODE, frames), 'invalid-request', {
    pointer: '/instruction',
  });
  t.match(detail, 'does not separate the instruction');
  t.equal(joined.calls.length, 0);
});

t.test('an engine that leaves a query out has no result', async (t) => {
  const forgetful = await buildTestApp(t, {}, stubEngine({ words, order: (queries) => queries.slice(0, -1) }));
  for (const instruction of ENDS)
    isProblem(t, await postEpisode(forgetful, { ...EPISODE, instruction }, frames), 'internal-error');
});

t.test('one frame, and one prefix, have a value', async (t) => {
  const { prefixes, voc, log_prob_range, warnings } = await ask({}, app, [await frameFile()]);
  t.equal(prefixes.length, 1);
  t.strictSame([voc, log_prob_range.span, log_prob_range.flat], [null, 0, null]);
  t.strictSame(
    warnings.map(({ code }) => code),
    ['identical-prefixes'],
  );
  t.equal(resultOf(t, await postEpisode(app, { ...EPISODE, method: 'topreward' }, frames)).method, 'topreward');
});
