import t from 'tap';
import type { ScoreRequest } from '../../../src/engine/engine.ts';
import { readCheckpoint } from '../../../src/engines/embedded/checkpoint.ts';
import { type EmbeddedParts, runQueries } from '../../../src/engines/embedded/scoring.ts';
import type { Answer } from '../../../src/engines/embedded/task.ts';
import type { ModelThread } from '../../../src/engines/embedded/thread.ts';
import { sampleSchedule } from '../../../src/episode/schedule.ts';
import { createFairQueue } from '../../../src/limits/fair-queue.ts';
import { ProblemError } from '../../../src/problems/problems.ts';
import { planEpisode } from '../../support/plans.ts';
import { CLOCK, INSTRUCTION, MODEL_DIR, pictures, requestOf, shownIn } from './support.ts';

const checkpoint = await readCheckpoint(MODEL_DIR);
const plan = planEpisode({ instruction: INSTRUCTION, prompt: 'open', clock: CLOCK }, sampleSchedule(4, CLOCK), [2, 4]);
const answer = (query: number, logProbs: number[]): Answer => ({
  query,
  logProbs: [logProbs],
  promptTokens: 50,
  cachedTokens: 20,
});

const request = (signal?: AbortSignal) => requestOf(plan, 4, checkpoint, signal);

const onePlace = () => createFairQueue({ places: 1 });
const IDLE = { active: 0, waiting: 0, bytes: 0 };

/** The context of an engine whose model thread returns the given results. */
function around(answers: ModelThread['answers']): EmbeddedParts {
  const thread = { onnxruntime: '0', alive: () => true, answers, close: async () => {} };
  return { checkpoint, thread, gates: { step: onePlace(), short: onePlace(), long: onePlace() } };
}

/** Scores an episode completely. */
async function score(asked: ScoreRequest, context: EmbeddedParts): Promise<void> {
  for await (const { query } of runQueries(asked, context)) t.type(query, 'number');
}

t.test('impossible log probabilities are refused and never returned', async (t) => {
  const impossible = [
    [Number.NaN, -1, -2],
    [-1, Number.NEGATIVE_INFINITY, -2],
    [0.1, -1, -2],
    [-7.3, -7.3, -7.3],
    [-0.5, -0.6, -7],
    [-1, -2, -0.3],
    [-1, -9999, -2],
    [-1],
  ];
  for (const logProbs of impossible) {
    const context = around(async function* () {
      yield answer(0, logProbs);
    });
    await t.rejects(score(request(), context), { code: 'engine-answer-unusable' }, String(logProbs));
    t.same(context.gates.step.state(), IDLE, 'the episode has left its gate');
  }
});

t.test('a failure of the model is a problem, and its cause is for the log only', async (t) => {
  const cause = new Error('Non-zero status code returned while running MatMul');
  const failing = around(async function* () {
    yield answer(0, [-1, -2, -3]);
    throw cause;
  });
  await t.rejects(score(request(), failing), { code: 'engine-failed', message: /Tell the operator/, cause });
});

t.test('an aborted episode rejects with the reason of the signal, and leaves its gate', async (t) => {
  const gone = new AbortController();
  const context = around(async function* (_task, _arrivals, signal) {
    yield answer(0, [-1, -2, -3]);
    gone.abort(new Error('the client left'));
    signal.throwIfAborted();
  });
  const asked = request(gone.signal);
  await t.rejects(score(asked, context), /the client left/);
  t.same(context.gates.step.state(), IDLE);
  t.equal(asked.usage.requests, 1);
});

t.test('the work stops if the caller leaves the iteration', async (t) => {
  let stopped = false;
  const context = around(async function* () {
    try {
      yield answer(0, [-1, -2, -3]);
      yield answer(1, [-1, -2, -3]);
    } finally {
      stopped = true;
    }
  });
  for await (const score of runQueries(request(), context)) {
    t.match(score, { query: 0, values: [-1, -2], prompt: { layout: 'reference' } });
    break;
  }
  t.ok(stopped);
  t.same(context.gates.step.state(), IDLE);
});

t.test('a frame that cannot be rendered ends an episode at once, even while it waits at its gate', async (t) => {
  const failure = new AbortController();
  const asked = request();
  const each = async function* () {
    yield* shownIn([0], pictures(4, 1, checkpoint));
    await new Promise((_, reject) => failure.signal.addEventListener('abort', () => reject(failure.signal.reason)));
  };
  const render = async () => ({ waitedMs: 0, tookMs: () => 0, failed: failure.signal, each });
  const frames = { ...asked.frames, render } as never;
  const context = around(async function* () {
    t.fail('the model receives no query');
    yield answer(0, [-1, -2, -3]);
  });
  const { signal } = new AbortController();
  const { release } = await context.gates.step.enter({ tenant: 'a', episode: Symbol('other') }, signal);
  const scored = score({ ...asked, frames }, context);
  setImmediate(() => failure.abort(new ProblemError('image-damaged', 'The frame is damaged.')));
  await t.rejects(scored, { code: 'image-damaged' });
  release();
  t.same(context.gates.step.state(), IDLE);
});

t.test('the model thread receives the first frame before the last one is rendered', async (t) => {
  const begun = Promise.withResolvers<void>();
  let rendering = false;
  const each = async function* () {
    const frames = pictures(4, 1, checkpoint);
    yield* shownIn([0, 1], frames);
    await begun.promise;
    yield* shownIn([2, 3], frames);
  };
  const render = async () => {
    rendering = true;
    return { waitedMs: 0, tookMs: () => 0, failed: new AbortController().signal, each };
  };
  // As with real frames: once rendering starts, uploads are no longer held.
  const countUploaded = (indices: number[]) => (rendering ? 0 : indices.length);
  const context = around(async function* (_task, arrivals) {
    const seen: number[] = [];
    for await (const { frame } of arrivals) {
      seen.push(frame);
      begun.resolve();
    }
    t.same(seen, [0, 1, 2, 3]);
    for (const query of plan.queries.keys()) yield answer(query, [-1, -2, -3]);
  });
  const asked = request();
  await score({ ...asked, frames: { size: checkpoint.frame, countUploaded, render } as never }, context);
  t.equal(asked.usage.requests, plan.queries.length);
});

t.test('the model thread receives the check token and the answers of every query', async (t) => {
  const [yes, no] = [' True', ' False'].map((text) => checkpoint.answer(text).id);
  const context = around(async function* ({ checkToken, queries }) {
    t.equal(checkToken, checkpoint.grid.token);
    t.strictSame(
      queries.map(({ query, sees, answers }) => ({ query, sees, answers })),
      [
        { query: 0, sees: 2, answers: [[yes, no]] },
        { query: 1, sees: 1, answers: [[yes, no]] },
      ],
    );
    for (const { query } of queries) yield answer(query, [-1, -2, -3]);
  });
  await score(request(), context);
});

t.test('the text of every query is limited, not only that of the longest prefix', async (t) => {
  const context = around(async function* () {
    t.fail('the model receives no query');
    yield answer(0, [-1, -2, -3]);
  });
  for (const query of plan.queries.keys()) {
    const queries = plan.queries.map((each, i) =>
      i === query ? { ...each, text: 'Open the drawer. '.repeat(300) } : each,
    ) as typeof plan.queries;
    const asked = { ...request(), plan: { ...plan, queries }, pointer: '/items/3/instruction' };
    await t.rejects(score(asked, context), {
      code: 'instruction-too-long',
      place: { pointer: '/items/3/instruction', limit: 1024 },
    });
    t.equal(asked.usage.requests, 0);
  }
});

t.test('an episode waits only at the gate for its own length', async (t) => {
  const context = around(async function* () {
    for (const query of plan.queries.keys()) yield answer(query, [-1, -2, -3]);
  });
  const { signal } = new AbortController();
  const other = { tenant: 'a', episode: Symbol('other') };
  const longer = await Promise.all([context.gates.short.enter(other, signal), context.gates.long.enter(other, signal)]);
  await score(request(), context);
  t.pass('a short episode is scored while longer episodes occupy their gates');
  for (const { release } of longer) release();
});
