import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { buildApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import type { Engine, ScoreRequest } from '../../../src/engine/engine.ts';
import { readCheckpoint } from '../../../src/engines/embedded/checkpoint.ts';
import { createEmbeddedEngine } from '../../../src/engines/embedded/embedded.ts';
import { startThread } from '../../../src/engines/embedded/thread.ts';
import { sampleSchedule } from '../../../src/episode/schedule.ts';
import { TOPREWARD } from '../../../src/methods/topreward/method.ts';
import { isProblem, resultOf } from '../../support/answers.ts';
import { postEpisode } from '../../support/forms.ts';
import { frameFiles } from '../../support/images.ts';
import { planEpisode } from '../../support/plans.ts';
import { EPISODE } from '../../support/stub-engine.ts';
import { CLOCK, INSTRUCTION, MODEL_DIR, requestOf } from './support.ts';

const log = pino({ level: 'silent' });
const checkpoint = await readCheckpoint(MODEL_DIR);

/** The model threads that this process has started, in order. */
const threads: Worker[] = [];
process.on('worker', (worker: Worker) => {
  if (worker.threadName === 'model') threads.push(worker);
});

/**
 * Ends the model thread as an error in its own code would: a message that it cannot read makes it throw between two
 * calls of onnxruntime. terminate() during a call would abort this process.
 */
async function kill(): Promise<void> {
  const [thread] = threads.slice(-1);
  const gone = new Promise((resolve) => thread?.once('exit', resolve));
  thread?.postMessage({});
  await gone;
}

/** Starts the real service with the bundled model, copied to a temporary folder. */
async function startService(t: Test, restartPausesMs: number[]) {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  await cp(MODEL_DIR, folder, { recursive: true });
  const config = loadConfig({ MODEL_DIR: folder, EMBEDDED_THREADS: '1', RENDER_WORKERS: '1' });
  const engine = await createEmbeddedEngine(config, log, TOPREWARD, restartPausesMs);
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
  return requestOf(planEpisode(asked, sampleSchedule(frameCount, CLOCK), lengths), frameCount, checkpoint);
}

/** Scores an episode completely, and calls `act` after the first result. */
async function scoreUntil(engine: Engine, asked: ScoreRequest, act: () => Promise<void>): Promise<void> {
  for await (const { query } of engine.score(asked)) if (query === 0) await act();
}

t.test('if the thread ends before the model is open, the start fails', async (t) => {
  // The thread ends before it has run any code.
  process.once('worker', (thread: Worker) => thread.terminate());
  const starting = startThread({ folder: MODEL_DIR, grid: checkpoint.grid, threads: 1, cacheBytes: 0 }, log);
  await t.rejects(starting, /ended before the model was open/);
});

t.test(
  'a thread that ends is restarted: its unfinished work fails with a problem, and the next episode is scored',
  async (t) => {
    const { app, engine, health } = await startService(t, [0, 0]);
    const frames = await frameFiles(4);
    const before = resultOf(t, await postEpisode(app, EPISODE, frames)).prefixes;
    // The thread ends more often than the limit of restarts in a row. A result in between resets the count.
    for (const death of ['first', 'second', 'third']) {
      const inHand = scoreUntil(engine, request(60), kill);
      await t.rejects(inHand, { code: 'engine-unavailable', place: { retry_after_s: 1 } }, death);
      isProblem(t, await postEpisode(app, EPISODE, frames), 'engine-unavailable');
      t.equal(await health('ready'), 503);
      t.equal(await health('live'), 200, 'the service recovers without a restart');
      while ((await health('ready')) === 503) await setImmediate();
      t.strictSame(resultOf(t, await postEpisode(app, EPISODE, frames)).prefixes, before);
    }
  },
);

t.test('a thread that cannot be restarted makes the liveness check fail', async (t) => {
  const { app, folder, health } = await startService(t, [0, 0]);
  t.equal(await health('live'), 200);
  await rm(join(folder, 'onnx'), { recursive: true });
  await kill();
  while ((await health('live')) === 200) await setImmediate();
  t.match((await app.inject('/health/live')).json(), { status: 'unavailable', reason: /Restart the service/ });
  t.equal(await health('ready'), 503);
  t.match((await app.inject('/v1/model')).json(), { code: 'engine-unavailable', detail: /must restart the service/ });
});

t.test('a service can stop while its model thread is being restarted', async (t) => {
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
