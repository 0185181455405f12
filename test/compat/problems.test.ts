import type { InjectOptions } from 'fastify';
import t, { type Test } from 'tap';
import { PROBLEMS, type ProblemCode } from '../../schemas/problem-kinds.ts';
import { listen, whenLoad } from '../support/app.ts';
import { type Behaviour, refuse } from '../support/fake-vllm.ts';
import { multipart } from '../support/forms.ts';
import { needing } from '../support/needs.ts';
import { rawClient } from '../support/sockets.ts';
import { stubEngine } from '../support/stub-engine.ts';
import { startBundledModel, startFakeEngine } from './engines.ts';
import { type Exchange, exchange, exchangeOf, keyOf, responsesTo, serve } from './exchange.ts';
import { sameAsRecorded } from './recordings.ts';
import { manyFrames, postVideo, REFUSED, REFUSED_BY_ENGINE, REFUSED_VIDEOS, stalled } from './refused.ts';
import { DESCRIPTIONS, frameParts, get, jsonPart, postFrames, SHORT, TWO, VIDEO } from './requests.ts';

// Compares one problem of each code with the one that the service sent earlier: see compat.test.ts.

const needs = needing('ffmpeg');
const TENANT = 'robots';
const PATH = process.env['PATH'] ?? '';
const episode = postFrames({ ...SHORT, prefixes: { last: 1 } }, TWO);

/** Codes of problems that were compared. One needs a connection: test/http/malformed.test.ts has it. */
const seen = new Set<string>(['headers-too-large']);

/** Compares problems with the recorded ones. Their names are the expected codes. */
async function compare(t: Test, name: string, found: Record<string, Exchange>): Promise<void> {
  for (const [code, { body }] of Object.entries(found)) {
    t.match(body, { code }, code);
    seen.add(code);
  }
  await sameAsRecorded(t, { name: `problems/${name}` }, found);
}

const { engine } = await startFakeEngine(t);

t.test('problems of a service with default settings equal the recorded ones', async (t) => {
  await compare(t, 'default', await responsesTo(await serve(t, engine, [TENANT]), TENANT, REFUSED));
});

t.test('problems with videos equal the recorded ones', needs, async (t) => {
  const app = await serve(t, engine, [TENANT], { PATH });
  await compare(t, 'videos', await responsesTo(app, TENANT, REFUSED_VIDEOS));
});

t.test('problems of the bundled model equal the recorded ones', async (t) => {
  const app = await serve(t, await startBundledModel(t), [TENANT]);
  await compare(t, 'embedded', await responsesTo(app, TENANT, REFUSED_BY_ENGINE));
});

t.test('problems of keys equal the recorded ones', async (t) => {
  const app = await serve(t, engine, [TENANT]);
  const wrong = get('/v1/model', { authorization: 'Bearer a-wrong-key' });
  const unauthorized = await exchange(app, get('/v1/model'));
  for (let count = 0; count < 20; count += 1) await app.inject(wrong);
  // Some of the minute has passed since the first wrong key.
  const waiting = JSON.stringify(await exchange(app, wrong)).replace(/\b5\d\b/g, '60');
  await compare(t, 'keys', { unauthorized, 'too-many-wrong-keys': JSON.parse(waiting) });
});

/** Requests that are refused with other settings. */
const SETTINGS: [code: ProblemCode, settings: Record<string, string | number>, request: InjectOptions][] = [
  ['too-many-frames', { MAX_FRAMES: 1 }, episode],
  ['upload-timeout', { UPLOAD_IDLE_S: 0.1 }, stalled()],
  ['video-unavailable', {}, postVideo(VIDEO)],
];

t.test('problems of other settings equal the recorded ones', async (t) => {
  const found: Record<string, Exchange> = {};
  for (const [code, settings, request] of SETTINGS) {
    const app = await serve(t, engine, [TENANT], settings);
    Object.assign(found, await responsesTo(app, TENANT, { [code]: request }));
  }
  await compare(t, 'settings', found);
});

t.test('the problem of a slow engine equals the recorded one', async (t) => {
  const { promise: never } = Promise.withResolvers<void>();
  const app = await serve(t, stubEngine({ until: never }), [TENANT], { DEADLINE_S: 1 });
  const { headers, payload } = multipart([jsonPart('episode', SHORT), ...frameParts(TWO)]);
  // Only a request on a connection is known to be complete.
  const client = await rawClient(t, await listen(app));
  client.post(payload.length, { ...headers, authorization: `Bearer ${keyOf(TENANT)}` });
  client.socket.write(payload);
  await compare(t, 'slow-engine', { 'deadline-exceeded': exchangeOf(await client.answer()) });
});

t.test('problems of a slow decoder and of an unusable disk equal the recorded ones', needs, async (t) => {
  const slow = await serve(t, engine, [TENANT], { PATH, VIDEO_TIMEOUT_S: 0.001 });
  const found = await responsesTo(slow, TENANT, { 'video-timeout': postVideo(VIDEO) });
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = '/missing';
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  const full = await serve(t, engine, [TENANT], { PATH });
  Object.assign(found, await responsesTo(full, TENANT, { 'storage-unavailable': postVideo(VIDEO) }));
  await compare(t, 'machine', found);
});

t.test('the problem of a busy service equals the recorded one', async (t) => {
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  const app = await serve(t, stubEngine({ until }), [TENANT], { MAX_ACTIVE: 1, MAX_WAITING: 0 });
  const first = responsesTo(app, TENANT, { first: episode });
  await whenLoad(app, { active: 1 });
  const found = await responsesTo(app, TENANT, { 'server-busy': episode });
  open();
  await first;
  await compare(t, 'busy', found);
});

/** How the engine behaves, by the code of the problem. */
const FAULTS: [code: ProblemCode, behaviour: Partial<Behaviour>, request: InjectOptions][] = [
  ['context-exceeded', { contextTokens: 1000 }, manyFrames(40)],
  ['engine-failed', { fault: (_, response) => refuse(response, 500, 'words') }, episode],
  ['engine-busy', { fault: (_, response) => refuse(response, 503, 'words') }, episode],
  ['engine-answer-unusable', { rewrite: ({ choices }) => choices.splice(0) }, episode],
];

t.test('problems of a faulty vLLM equal the recorded ones', async (t) => {
  const found: Record<string, Exchange> = {};
  for (const [code, { contextTokens, ...faults }, request] of FAULTS) {
    const { engine, fake } = await startFakeEngine(t, contextTokens ? { contextTokens } : {});
    const app = await serve(t, engine, [TENANT]);
    // Only now, because the engine is probed with the same requests.
    Object.assign(fake.behaviour, faults);
    Object.assign(found, await responsesTo(app, TENANT, { [code]: request }));
  }
  await compare(t, 'faults', found);
});

t.test('the problem of a profile with images equals the recorded one', async (t) => {
  const { engine } = await startFakeEngine(t, {}, { MODEL_PROFILE: 'qwen3-vl-images' });
  const request = postFrames({ ...SHORT, pipeline: 'published' }, TWO);
  const found = await responsesTo(await serve(t, engine, [TENANT]), TENANT, { 'pipeline-unsupported': request });
  await compare(t, 'profile', found);
});

t.test('problems of a vLLM with another prompt equal the recorded ones', async (t) => {
  const { engine } = await startFakeEngine(t, { layout: 'strange' });
  const app = await serve(t, engine, [TENANT], {}, 503);
  const found = await responsesTo(app, TENANT, { 'engine-unavailable': episode });
  await compare(t, 'unready', found);
  await sameAsRecorded(t, { name: 'vllm/unready' }, await responsesTo(app, TENANT, DESCRIPTIONS));
});

t.test('the problem of an unknown error equals the recorded one', async (t) => {
  const engine = stubEngine({ fault: new Error('words') });
  const found = await responsesTo(await serve(t, engine, [TENANT]), TENANT, { 'internal-error': episode });
  await compare(t, 'error', found);
});

// The problems of videos need ffmpeg too.
t.test('a problem of every code is recorded', needs, async (t) => {
  t.strictSame(
    Object.keys(PROBLEMS).filter((code) => !seen.has(code)),
    [],
  );
});
