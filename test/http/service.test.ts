import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { ProblemError } from '../../src/problems/problems.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, postEpisode, postParts } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const state: { unready?: Error } = {};
const engine = stubEngine({ unready: () => state.unready });
const app = await buildTestApp(t, { SUCCESS_THRESHOLD: -2, MAX_FRAMES: 77, DEADLINE_S: 33 }, engine);
const get = (url: string) => app.inject({ method: 'GET', url });
const unready = new ProblemError('engine-unavailable', 'The engine cannot be reached.', { retry_after_s: 5 });

t.test('the service is ready if the engine is ready', async (t) => {
  t.strictSame((await get('/health/live')).json(), { status: 'ok' });
  t.strictSame((await get('/health/ready')).json(), { status: 'ok' });
  const model = await get('/v1/model');
  t.equal(model.statusCode, 200);
  t.match(model.json(), {
    model: 'stub-model',
    engine: { name: 'stub', version: '1' },
    one_pass: true,
    frame_encoding: 'rgb',
    success_threshold: -2,
    limits: { context_tokens: 32_768, blocks: null, sampled_frames: 908, frames: 77, deadline_s: 33 },
  });
});

t.test('the service is live but not ready if the engine is not ready', async (t) => {
  state.unready = unready;
  t.teardown(() => {
    delete state.unready;
  });
  t.equal((await get('/health/live')).statusCode, 200);
  const ready = await get('/health/ready');
  t.equal(ready.statusCode, 503);
  t.strictSame(ready.json(), { status: 'unavailable', reason: 'The engine cannot be reached.' });
  isProblem(t, await get('/v1/model'), 'engine-unavailable', { retry_after_s: 5 });
  const calls = engine.calls.length;
  isProblem(t, await postEpisode(app, EPISODE), 'engine-unavailable', { retry_after_s: 5 });
  t.equal(engine.calls.length, calls);
});

t.test('an engine that fails during the upload is reported', async (t) => {
  let asked = 0;
  const lost = stubEngine({
    unready() {
      asked += 1;
      return asked > 1 ? unready : undefined;
    },
  });
  const app = await buildTestApp(t, {}, lost);
  isProblem(t, await postEpisode(app, EPISODE), 'engine-unavailable', { retry_after_s: 5 });
});

t.test('metrics count requests, prefixes and engine requests', async (t) => {
  resultOf(t, await postEpisode(app, EPISODE));
  isProblem(t, await postParts(app, [framePart(await frameFile())]), 'missing-episode');
  const { body, headers } = await get('/metrics');
  t.match(headers['content-type'], 'text/plain');
  t.match(body, /topreward_request_seconds_count\{operation="scoreEpisode",status="200"\} 1\n/);
  t.match(body, /topreward_request_seconds_count\{operation="scoreEpisode",status="422"\} 1\n/);
  t.match(body, /_bucket\{le="600",operation="scoreEpisode",status="200"\} 1\n/, 'as long as a batch may take');
  t.match(body, /topreward_prefixes_total 1\n/);
  t.match(body, /topreward_engine_requests_total 1\n/);
  t.match(body, /topreward_episodes_active 0\n/);
  t.match(body, /topreward_upload_bytes_held 0\n/);
});

t.test('the contract has all operations', async (t) => {
  const answer = await get('/openapi.json');
  t.equal(answer.statusCode, 200);
  const contract = answer.json();
  t.equal(contract.openapi, '3.1.0');
  t.strictSame(Object.keys(contract.paths).sort(), [
    '/health/live',
    '/health/ready',
    '/metrics',
    '/v1/calibrations',
    '/v1/model',
    '/v1/rewards',
    '/v1/rewards/batch',
  ]);
  t.ok(contract.components.schemas.RewardResult);
});

t.test('the API reference loads nothing from other sites', async (t) => {
  const page = await get('/docs');
  t.equal(page.statusCode, 200);
  t.match(page.headers['content-type'], 'text/html');
  const policy = String(page.headers['content-security-policy']);
  t.match(policy, "default-src 'none'");
  t.notMatch(policy, /https?:/, 'the policy allows no other site');
  t.match((await get('/docs/')).headers, { location: '../docs' });
  const contract = await get('/docs/json');
  t.strictSame(contract.json().paths, (await get('/openapi.json')).json().paths);
});

t.test('the script of the API reference is served with and without gzip', async (t) => {
  const url = '/docs/scalar.js';
  const packed = await app.inject({ url, headers: { 'accept-encoding': 'gzip, deflate, br' } });
  const type = 'text/javascript; charset=utf-8';
  t.match(packed.headers, { 'content-type': type, 'content-encoding': 'gzip', vary: 'accept-encoding' });
  const script = gunzipSync(packed.rawPayload);
  const conditions = { 'accept-encoding': 'gzip', 'if-none-match': String(packed.headers['etag']) };
  t.equal((await app.inject({ url, headers: conditions })).statusCode, 304, 'with its ETag it is not sent again');
  for (const headers of [{}, { 'accept-encoding': 'br' }, { 'accept-encoding': 'gzip;q=0' }]) {
    const plain = await app.inject({ url, headers });
    t.match(plain.headers, { 'content-type': type, 'content-encoding': undefined, vary: 'accept-encoding' });
    t.ok(plain.rawPayload.equals(script));
  }
  const { statusCode, body } = await app.inject({ method: 'HEAD', url });
  t.match({ statusCode, body }, { statusCode: 200, body: '' });
});

t.test('every response has a request id', async (t) => {
  for (const url of ['/health/live', '/v1/model', '/metrics', '/openapi.json', '/nothing'])
    t.match((await get(url)).headers['x-request-id'], /^[0-9a-f-]{36}$/, url);
  const answer = await postParts(app, [episodePart(EPISODE), framePart(await frameFile())]);
  t.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/);
});
