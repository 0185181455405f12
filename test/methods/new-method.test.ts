import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createEmbeddedEngine } from '../../src/engines/embedded/embedded.ts';
import { createVllmEngine } from '../../src/engines/vllm/vllm.ts';
import { defaultAnswers } from '../../src/episode/answers.ts';
import type { EpisodeRequest } from '../../src/episode/episode.ts';
import { chooseMethod } from '../../src/episode/method-options.ts';
import { aviFrame } from '../../src/frames/avi-frame.ts';
import type { Frames } from '../../src/frames/frames.ts';
import { createFairQueue } from '../../src/limits/fair-queue.ts';
import type { PrefixMethod } from '../../src/methods/method.ts';
import { planPrefixes } from '../../src/methods/prefixes.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import type { ReadAnswers } from '../../src/plan/answer-steps.ts';
import type { FrameGroup, ReadNext } from '../../src/plan/plan.ts';
import { scorePrefixes } from '../../src/scoring/score-prefixes.ts';
import { resultOf } from '../../src/scoring/scoring.ts';
import { MODEL_DIR, openCheckpoint, pictures, shownIn } from '../engines/embedded/support.ts';
import { startFakeVllm } from '../support/fake-vllm.ts';

// A method is one object: its text, what it reads, and what the values mean. No engine knows it.

/** A method that reads other tokens than TOPReward, or after another text. */
type Asking = PrefixMethod<ReadAnswers, object, RewardResult> & { read(prompt: PromptVariant): ReadNext };

/** Reads sets of two tokens, and the two tokens of the first set one by one. */
const SETS: Asking = {
  ...TOPREWARD,
  read: () => ({
    answers: [
      [' True', 'True'],
      [' False', 'False'],
    ],
  }),
  plan: (input, family) =>
    planPrefixes(input, family, {
      text: 'Is the drawer open? The answer is:',
      read: SETS.read(input.request.prompt),
    }),
};
const SINGLES: Asking = {
  ...SETS,
  read: () => ({ answers: [[' True'], ['True']] }),
  plan(input, family) {
    const { queries, ...plan } = SETS.plan(input, family);
    const [first, ...rest] = queries.map((query) => ({ ...query, read: SINGLES.read('open') }));
    return { ...plan, queries: [first as (typeof queries)[0], ...rest] };
  },
};

const REQUEST: EpisodeRequest = {
  ...chooseMethod({ instruction: 'Open the drawer.' }, ''),
  id: undefined,
  instruction: 'Open the drawer.',
  clock: { fps: 2 },
  frameDigests: undefined,
  prefixes: { count: 5 },
  pipeline: 'aligned',
  frameSize: 'reference',
  maxPixels: undefined,
  prompt: 'open',
  answers: defaultAnswers('open'),
  topAnswers: undefined,
  threshold: undefined,
  finalPrefixes: 3,
  progress: { scale: 'episode', bounds: null },
  calibration: undefined,
  training: undefined,
  controls: undefined,
  undefinedVoc: 'missing',
  includeTokenIds: false,
};

const { checkpoint } = await openCheckpoint(t);

async function score(
  engine: Engine,
  method: Asking,
  shown = () => pictures(9, 1, checkpoint),
  options: Partial<EpisodeRequest> = {},
): Promise<RewardResult> {
  const signal = new AbortController().signal;
  const render = async ({ frames }: FrameGroup) => ({
    waitedMs: 0,
    tookMs: () => 0,
    failed: signal,
    each: () => shownIn(frames, shown()),
  });
  const frames = {
    count: 9,
    size: checkpoint.frame,
    warnings: [],
    countUploaded: (indices: number[]) => indices.length,
    restoreRecent: () => false,
    origin: async () => 'an origin',
    render,
  } as Partial<Frames> as Frames;
  const renderBudget = createFairQueue({ places: 1, bytes: 2 ** 30 });
  const context = { engine, tenant: 'a', waitedMs: 0, signal, defaults: {}, renderBudget };
  const upload = { request: { ...REQUEST, ...options }, frames, pointer: '', waitedMs: 0 };
  return resultOf(scorePrefixes(upload, method, context));
}

t.test('prefixes with the same sampled frames are scored together', async (t) => {
  const engine = await createEmbeddedEngine(loadConfig({ MODEL_DIR }), pino({ level: 'silent' }), TOPREWARD);
  t.teardown(() => engine.close());
  const together: number[][] = [];
  const noting: Asking = {
    ...TOPREWARD,
    prefixes(prefixes, ...rest) {
      together.push(prefixes.map(({ length }) => length));
      return TOPREWARD.prefixes(prefixes, ...rest);
    },
  };
  // At 8 fps the sampled frames are 0, 4 and 8. Two tokens: two queries for each of three groups.
  const answers = { trueTexts: [' True.'], falseTexts: [' False'], reward: 'log_prob' } as const;
  await score(engine, noting, undefined, { clock: { fps: 8 }, prefixes: { every: 1 }, answers });
  t.same(
    together.sort(([a = 0], [b = 0]) => a - b),
    [[1, 2, 3, 4], [5, 6, 7, 8], [9]],
  );
});

t.test('a method with its own text and sets of answers is scored by an engine that does not know it', async (t) => {
  const engine = await createEmbeddedEngine(loadConfig({ MODEL_DIR }), pino({ level: 'silent' }), TOPREWARD);
  t.teardown(() => engine.close());
  const [sets, singles, usual] = [
    await score(engine, SETS),
    await score(engine, SINGLES),
    await score(engine, TOPREWARD),
  ];
  t.match(sets.provenance.prompt.text, /Is the drawer open\? The answer is:$/);
  t.equal(sets.prefixes.length, 5);
  for (const [i, { log_prob_true: set }] of sets.prefixes.entries()) {
    const { log_prob_true: one = Number.NaN, log_prob_false: other = Number.NaN } = singles.prefixes[i] ?? {};
    t.ok(Math.abs(set - Math.log(Math.exp(one) + Math.exp(other))) < 1e-5, `${set}, ${one}, ${other}`);
    t.not(set, usual.prefixes[i]?.log_prob_true, 'another text gives another value');
  }
});

t.test('a method with its own text has every pipeline', async (t) => {
  const engine = await createEmbeddedEngine(loadConfig({ MODEL_DIR }), pino({ level: 'silent' }), TOPREWARD);
  t.teardown(() => engine.close());
  const { prefixes, provenance } = await score(engine, SETS, undefined, { pipeline: 'published' });
  t.match(provenance.prompt.text, /Is the drawer open\? The answer is:$/);
  t.strictSame(
    prefixes.map(({ length, frames_used }) => [length, frames_used]),
    [
      [1, 2],
      [3, 4],
      [5, 4],
      [7, 4],
      [9, 4],
    ],
  );
});

t.test('a text of several tokens is the sum over its tokens, each after those before it', async (t) => {
  const engine = await createEmbeddedEngine(loadConfig({ MODEL_DIR }), pino({ level: 'silent' }), TOPREWARD);
  t.teardown(() => engine.close());
  const reading = (trueTexts: [string, ...string[]], falseTexts: [string, ...string[]]) => ({
    answers: { trueTexts, falseTexts, reward: 'log_prob' as const },
  });
  /** The usual query, with the first tokens of an answer in its text. */
  const after = (text: string, answers: ReadNext['answers']): Asking => ({
    ...TOPREWARD,
    plan: (input, family) =>
      planPrefixes(input, family, {
        text: `${TOPREWARD.text(input.request.instruction)}${text}`,
        read: { answers },
      }),
  });
  const several = await score(engine, TOPREWARD, undefined, reading([' Open the door', ' Yes'], [' Open a', ' No']));
  const firsts = await score(engine, TOPREWARD, undefined, reading([' Open'], [' Yes']));
  const others = await score(engine, TOPREWARD, undefined, reading([' True'], [' No']));
  const seconds = await score(engine, after(' Open', [[' the'], [' a']]));
  const thirds = await score(engine, after(' Open the', [[' door'], [' a']]));
  t.equal(several.prefixes.length, 5);
  t.equal(several.usage.engine_requests, 3 * firsts.usage.engine_requests, 'two further queries for each prefix');
  t.match(several.log_prob_range.flat, Boolean);
  t.same(
    several.provenance.true_tokens.map(({ text, ids }) => [text, ids.length]),
    [
      [' Open the door', 3],
      [' Yes', 1],
    ],
  );
  t.equal(several.provenance.true_token.text, ' Open');
  const sum = (...values: number[]) => Math.log(values.reduce((total, value) => total + Math.exp(value), 0));
  for (const [i, { log_prob_true, log_prob_false }] of several.prefixes.entries()) {
    const [first, other, second, third] = [firsts, others, seconds, thirds].map(({ prefixes }) => prefixes[i]);
    if (!first || !other || !second || !third) throw new Error('A prefix is missing.');
    const yes = sum(first.log_prob_true + second.log_prob_true + third.log_prob_true, first.log_prob_false);
    const no = sum(first.log_prob_true + second.log_prob_false, other.log_prob_false);
    t.ok(Math.abs(log_prob_true - yes) < 1e-5, `${log_prob_true}, ${yes}`);
    t.ok(Math.abs(log_prob_false - no) < 1e-5, `${log_prob_false}, ${no}`);
  }
  const single = await score(engine, TOPREWARD, undefined, {
    ...reading([' Open the door'], [' No']),
    prefixes: { last: 1 },
  });
  t.equal(single.log_prob_range.flat, null, 'further queries are no further prefixes');
  t.ok(single.warnings.some(({ code }) => code === 'identical-prefixes'));
});

t.test('vLLM sums the sets of a query, whatever their sizes', async (t) => {
  const fake = await startFakeVllm();
  t.teardown(() => fake.close());
  const frame = String(checkpoint.frame.width);
  const config = loadConfig({ ENGINE_URL: fake.url, ENGINE_FRAME_SIDE: frame, SECRET: 'secret' });
  const engine = createVllmEngine(config, pino({ level: 'silent' }), TOPREWARD, { unreadyCheckMs: 20 });
  t.teardown(() => engine.close());
  for (let tries = 0; !isReady(engine) && tries < 200; tries += 1) await sleep(20);
  const reading = (answers: ReadNext['answers']): Asking => ({
    ...SETS,
    plan(input, family) {
      const { queries, ...plan } = SETS.plan(input, family);
      const [first, ...rest] = queries.map((query) => ({ ...query, read: { answers } }));
      return { ...plan, queries: [first as (typeof queries)[0], ...rest] };
    },
  });
  const avi = () =>
    new Map(
      pictures(9, 1, checkpoint)
        .entries()
        .map(([i, { bytes, digest }]) => [i, { bytes: aviFrame(bytes, 'raw'), digest }]),
    );
  const sets = await score(engine, reading([[' True', 'True'], [' False']]), avi);
  const singles = await score(engine, reading([[' True'], ['True'], [' False']]), avi);
  const thirds = await score(engine, reading([[' True', 'True'], [' False'], ['False']]), avi);
  for (const [i, { log_prob_true: set, log_prob_false: last }] of sets.prefixes.entries()) {
    const { log_prob_true: one = Number.NaN, log_prob_false: other = Number.NaN } = singles.prefixes[i] ?? {};
    t.ok(Math.abs(set - Math.log(Math.exp(one) + Math.exp(other))) < 1e-9, `${set}, ${one}, ${other}`);
    t.equal(last, thirds.prefixes[i]?.log_prob_false);
    t.not(last, other);
  }
});

function isReady(engine: Engine): boolean {
  try {
    return Boolean(engine.describe());
  } catch {
    return false;
  }
}
