import { Readable } from 'node:stream';
import t from 'tap';
import { loadConfig } from '../../src/config/config.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp, operationsOf } from '../support/app.ts';
import { episodePart, framePart, multipart, postParts } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const KEYS = { ada: 'ada-key-0123456789', bob: 'bob=key,'.replace(',', '-').padEnd(20, '7') };
const API_KEYS = `ada=${KEYS.ada}, bob=${KEYS.bob}`;
const parts = [episodePart(EPISODE), framePart(await frameFile())];

t.test('without API_KEYS every request is accepted, and all belong to one tenant', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, {}, engine);
  resultOf(t, await postParts(app, parts));
  resultOf(t, await postParts(app, parts, { authorization: 'Bearer whatever' }));
  const tenants = engine.calls.map(({ request }) => request.tenant);
  t.equal(new Set(tenants).size, 1);
});

t.test('malformed API_KEYS and a key of two tenants are refused', async (t) => {
  t.throws(
    () => loadConfig({ API_KEYS: `ada=${KEYS.ada},bob=${KEYS.ada}` }),
    /API_KEYS has the same key for two tenants/,
  );
  t.throws(() => loadConfig({ API_KEYS: 'ada=short' }), /API_KEYS must be name=key pairs/);
  t.throws(() => loadConfig({ API_KEYS: KEYS.ada }), /API_KEYS must be name=key pairs/);
});

t.test('with API_KEYS, only requests with a valid key are scored, each for the tenant of its key', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { API_KEYS, MAX_ACTIVE: 1, MAX_WAITING: 0 }, engine);
  const refused = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${KEYS.ada}x`,
    `Bearer ${KEYS.ada.slice(0, -1)}`,
    `Bearer ${KEYS.ada.toUpperCase()}`,
    `Basic ${KEYS.ada}`,
    KEYS.ada,
    'Bearer ada',
    `Bearer ${KEYS.ada},${KEYS.bob}`,
  ];
  for (const authorization of refused) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    t.comment(authorization ?? 'no header');
    for (const answer of [
      await postParts(app, parts, headers),
      await app.inject({ method: 'GET', url: '/v1/model', headers }),
    ]) {
      isProblem(t, answer, 'unauthorized');
      t.equal(answer.headers['www-authenticate'], 'Bearer');
      t.notMatch(answer.body, KEYS.ada);
    }
  }
  t.equal(engine.calls.length, 0);

  for (const key of [KEYS.ada, KEYS.bob]) resultOf(t, await postParts(app, parts, { authorization: `Bearer ${key}` }));
  resultOf(t, await postParts(app, parts, { authorization: `bearer ${KEYS.ada}` }));
  t.strictSame(
    engine.calls.map(({ request }) => request.tenant),
    ['ada', 'bob', 'ada'],
  );
  const model = await app.inject({ method: 'GET', url: '/v1/model', headers: { authorization: `Bearer ${KEYS.bob}` } });
  t.equal(model.statusCode, 200);
});

t.test('wrong keys from one address are limited, and valid keys are still accepted', async (t) => {
  const app = await buildTestApp(t, { API_KEYS });
  const ask = (authorization?: string, remoteAddress = '10.0.0.1') =>
    app.inject({ method: 'GET', url: '/v1/model', headers: authorization ? { authorization } : {}, remoteAddress });
  for (let i = 0; i < 30; i += 1) isProblem(t, await ask(), 'unauthorized');
  for (let i = 0; i < 20; i += 1) isProblem(t, await ask(`Bearer wrong-${i}`), 'unauthorized');
  const { retry_after_s: wait } = isProblem(t, await ask('Bearer wrong'), 'too-many-wrong-keys');
  t.ok(wait && wait > 0 && wait <= 60, `${wait} s`);
  isProblem(t, await postParts(app, parts, { authorization: 'Bearer wrong' }), 'unauthorized');
  for (const key of [KEYS.ada, KEYS.bob])
    t.equal((await ask(`Bearer ${key}`)).statusCode, 200, 'a valid key is accepted');
  isProblem(t, await ask('Bearer wrong'), 'too-many-wrong-keys');
  isProblem(t, await ask('Bearer wrong', '10.0.0.2'), 'unauthorized');
  isProblem(t, await ask(), 'unauthorized');
});

t.test('an upload without a key is refused before its body is read', async (t) => {
  const app = await buildTestApp(t, { API_KEYS });
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/rewards',
    headers: multipart([]).headers,
    payload: new Readable({
      read() {
        this.destroy(new Error('The body was read.'));
      },
    }),
  });
  isProblem(t, answer, 'unauthorized');
});

t.test('each operation that the contract protects requires a key, and no other does', async (t) => {
  const app = await buildTestApp(t, { API_KEYS });
  const operations = await operationsOf(app);
  const open = operations.filter(({ keyed }) => !keyed);
  t.strictSame(open.map(({ url }) => url).sort(), ['/health/live', '/health/ready', '/metrics']);
  for (const { method, url, keyed } of operations) {
    const response = await app.inject({ method, url });
    t.comment(`${method} ${url}`);
    if (keyed) isProblem(t, response, 'unauthorized');
    else t.equal(response.statusCode, 200);
  }
});

t.test('the pages and the contract require no key', async (t) => {
  const app = await buildTestApp(t, { API_KEYS });
  for (const url of ['/', '/docs', '/docs/yaml', '/openapi.json', '/problems', '/problems/not-found'])
    t.equal((await app.inject({ method: 'GET', url })).statusCode, 200, url);
});
