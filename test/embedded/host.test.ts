import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { readCheckpoint } from '../../src/engine/embedded/checkpoint.ts';
import { createEmbeddedEngine } from '../../src/engine/embedded/embedded.ts';
import { startThread } from '../../src/engine/embedded/thread.ts';
import type { Engine, ScoreRequest } from '../../src/engine/engine.ts';
import { sampleSchedule } from '../../src/episode/schedule.ts';
import { planEpisode } from '../../src/plan/plan.ts';
import { EPISODE, isProblem, postEpisode, resultOf } from '../http/support.ts';
import { frameFiles } from '../support/images.ts';
import { CLOCK, INSTRUCTION, MODEL_DIR, pictures, shownIn } from './support.ts';

const log = pino({ level: 'silent' });
const checkpoint = await readCheckpoint(MODEL_DIR);

/** The model's threads that this process has started, in order. */
const threads: Worker[] = [];
process.on('worker', (worker: Worker) => {
  if (worker.threadName === 'model') threads.push(worker);
});

/**
 * Ends the model's thread as a fault in its own code would: a message that it cannot read throws there, between two calls of
 * onnxruntime. (terminate() within a call would abort this process.)
 */
async function kill(): Promise<void> {
  const [thread] = threads.slice(-1);
  const gone = new Promise((resolve) => thread?.once('exit', resolve));
  thread?.postMessage({});
  await gone;
}

/** The real service on the real model, in a folder of its own. */
async function startService(t: Test, restartPausesMs: number[]) {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  await cp(MODEL_DIR, folder, { recursive: true });
  const config = loadConfig({ MODEL_DIR: folder, EMBEDDED_THREADS: '1', RENDER_WORKERS: '1' });
  const engine = await createEmbeddedEngine(config, log, restartPausesMs);
  const app = await buildApp(config, engine);
  t.teardown(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });
  const health = async (what: 'live' | 'ready') => (await app.inject(`/health/${what}`)).statusCode;
  return { app, engine, folder, health };
}

function request(frameCount: number): ScoreRequest {
  const lengths = Array.from({ length: frameCount }, (_, i) => i + 1);
  const asked = { instruction: INSTRUCTION, prompt: 'open', clock: CLOCK } as const;
  const plan = planEpisode(asked, sampleSchedule(frameCount, CLOCK), lengths);
  const usage = { requests: 0, resends: 0, bytes: 0, queuedMs: 0, decodingMs: 0, engineMs: 0 };
  const each = () => shownIn(plan.sampledFrames, pictures(frameCount, 1, checkpoint));
  const render = async () => ({ waitedMs: 0, tookMs: () => 0, failed: new AbortController().signal, each });
  const frames = { size: checkpoint.frame, held: (indices: number[]) => indices.length, render } as never;
  return {
    plan,
    frames,
    size: checkpoint.frame,
    tenant: 'a',
    pointer: '',
    signal: new AbortController().signal,
    usage,
  };
}

/** Scores an episode to its end, and does something after the first answer. */
async function scoreUntil(engine: Engine, asked: ScoreRequest, act: () => Promise<void>): Promise<void> {
  for await (const { query } of engine.score(asked)) if (query === 0) await act();
}

t.test('a thread that ends before its model is open is an error, not a wait without end', async (t) => {
  // Before it has run any code.
  process.once('worker', (thread: Worker) => thread.terminate());
  const starting = startThread({ folder: MODEL_DIR, grid: checkpoint.grid, threads: 1, cacheBytes: 0 }, log);
  await t.rejects(starting, /ended before the model was open/);
});

t.test('a thread that dies is started anew: what it worked on is a problem, the next episode is scored', async (t) => {
  const { app, engine, health } = await startService(t, [0, 0]);
  const frames = await frameFiles(4);
  const before = resultOf(t, await postEpisode(app, EPISODE, frames)).prefixes;
  // More deaths than tries in a row: an answer in between makes each the first again.
  for (const death of ['first', 'second', 'third']) {
    const inHand = scoreUntil(engine, request(60), kill);
    await t.rejects(inHand, { code: 'engine-unavailable', place: { retry_after_s: 1 } }, death);
    isProblem(t, await postEpisode(app, EPISODE, frames), 'engine-unavailable');
    t.equal(await health('ready'), 503);
    t.equal(await health('live'), 200, 'it mends itself');
    while ((await health('ready')) === 503) await setImmediate();
    t.strictSame(resultOf(t, await postEpisode(app, EPISODE, frames)).prefixes, before);
  }
});

t.test('a thread that cannot be started again fails the liveness', async (t) => {
  const { app, folder, health } = await startService(t, [0, 0]);
  t.equal(await health('live'), 200);
  await rm(join(folder, 'onnx'), { recursive: true });
  await kill();
  while ((await health('live')) === 200) await setImmediate();
  t.match((await app.inject('/health/live')).json(), { status: 'unavailable', reason: /start the service anew/ });
  t.equal(await health('ready'), 503);
  t.match((await app.inject('/v1/model')).json(), { code: 'engine-unavailable', detail: /must be restarted/ });
});

t.test('a service that stops while its thread is being started anew stops', async (t) => {
  const { app } = await startService(t, [60_000]);
  await kill();
  await app.close();
});

t.test('a closed engine is not ready', async (t) => {
  const { engine, app } = await startService(t, []);
  t.equal(engine.describe().engine.name, 'onnxruntime');
  await app.close();
  t.throws(() => engine.describe(), { code: 'engine-unavailable' });
});
