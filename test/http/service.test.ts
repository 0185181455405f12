import t from 'tap';
import { ProblemError } from '../../src/problems.ts';
import { frameFile } from '../support/images.ts';
import {
  buildTestApp,
  EPISODE,
  episodePart,
  framePart,
  isProblem,
  postEpisode,
  postParts,
  resultOf,
  stubEngine,
} from './support.ts';

const state: { unready?: Error } = {};
const engine = stubEngine({ unready: () => state.unready });
const app = await buildTestApp(t, { SUCCESS_THRESHOLD: -2, MAX_FRAMES: 77, DEADLINE_S: 33 }, engine);
const get = (url: string) => app.inject({ method: 'GET', url });
const unready = new ProblemError('engine-unavailable', 'The engine cannot be reached.', { retry_after_s: 5 });

t.test('while the engine is ready', async (t) => {
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

t.test('while it is not', async (t) => {
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

t.test('an engine that is lost while the upload is read', async (t) => {
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

t.test('metrics count what was done', async (t) => {
  resultOf(t, await postEpisode(app, EPISODE));
  isProblem(t, await postParts(app, [framePart(await frameFile())]), 'missing-episode');
  const { body, headers } = await get('/metrics');
  t.match(headers['content-type'], 'text/plain');
  t.match(body, /topreward_request_seconds_count\{operation="scoreEpisode",status="200"\} 1\n/);
  t.match(body, /topreward_request_seconds_count\{operation="scoreEpisode",status="422"\} 1\n/);
  t.match(body, /topreward_prefixes_total 1\n/);
  t.match(body, /topreward_engine_requests_total 1\n/);
  t.match(body, /topreward_episodes_active 0\n/);
  t.match(body, /topreward_upload_bytes_held 0\n/);
});

t.test('the contract', async (t) => {
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

t.test('the documentation', async (t) => {
  const page = await get('/docs');
  t.equal(page.statusCode, 200);
  t.match(page.headers['content-type'], 'text/html');
  const policy = String(page.headers['content-security-policy']);
  t.match(policy, "default-src 'none'");
  t.notMatch(policy, /https?:/, 'nothing from elsewhere');
  t.match((await get('/docs/static/swagger-initializer.js')).body, /"validatorUrl":\s*null/);
  const contract = await get('/docs/json');
  t.strictSame(contract.json().paths, (await get('/openapi.json')).json().paths);
});

t.test('every answer has an id', async (t) => {
  for (const url of ['/health/live', '/v1/model', '/metrics', '/openapi.json', '/nothing'])
    t.match((await get(url)).headers['x-request-id'], /^[0-9a-f-]{36}$/, url);
  const answer = await postParts(app, [episodePart(EPISODE), framePart(await frameFile())]);
  t.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/);
});
