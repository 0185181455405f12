import { hostname } from 'node:os';
import t from 'tap';
import { loadConfig } from '../../src/config/config.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp, listen, operationsOf } from '../support/app.ts';
import { episodePart, framePart, multipart } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { rawClient } from '../support/sockets.ts';
import { EPISODE } from '../support/stub-engine.ts';

const KEY = 'key-of-ada-0123456789';
const PAGES = [
  '/',
  '/playground/app.js',
  '/playground/episodes.json',
  '/docs',
  '/docs/',
  '/docs/yaml',
  '/docs/scalar.js',
  '/problems',
  '/problems/not-found',
];

/** The status of /health/live for each host name. */
async function statuses(t: Parameters<typeof buildTestApp>[0], settings: Record<string, string>, hosts: string[]) {
  const app = await buildTestApp(t, settings);
  const asked = hosts.map((host) => app.inject({ method: 'GET', url: '/health/live', headers: { host } }));
  return Object.fromEntries((await Promise.all(asked)).map(({ statusCode }, i) => [hosts[i], statusCode]));
}

const all = (hosts: string[], status: number) => Object.fromEntries(hosts.map((host) => [host, status]));

const ADDRESSES = ['127.0.0.1', '127.0.0.1:8080', '[::1]:8080', '[::1]', '10.0.0.7:8080', '[fd00::7]:80'];
const OWN = ['localhost', 'localhost:1', 'LOCALHOST:8080', 'localhost.', hostname(), `${hostname()}:8080`];
const NETWORK = [
  'topreward:8080',
  'topreward.robots.svc:8080',
  'topreward.robots.svc.cluster.local',
  'gpu-box.local',
  'host.docker.internal:8080',
];
const FOREIGN = [
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.svc.example',
  'xn--e1afmkfd.example',
];

t.test('on loopback, only addresses, localhost and the name of the machine are accepted', async (t) => {
  t.strictSame(await statuses(t, {}, [...ADDRESSES, ...OWN]), all([...ADDRESSES, ...OWN], 200));
  t.strictSame(await statuses(t, { HOST: 'localhost' }, [...NETWORK, ...FOREIGN]), all([...NETWORK, ...FOREIGN], 421));
});

t.test('on other interfaces, names of the local network are accepted too', async (t) => {
  for (const HOST of ['0.0.0.0', '::', '10.0.0.7']) {
    const fine = [...ADDRESSES, ...OWN, ...NETWORK];
    t.strictSame(await statuses(t, { HOST }, fine), all(fine, 200));
    t.strictSame(await statuses(t, { HOST }, FOREIGN), all(FOREIGN, 421));
  }
  t.strictSame(
    await statuses(t, { HOST: 'rewards.example.com' }, ['rewards.example.com']),
    all(['rewards.example.com'], 200),
  );
});

t.test('ALLOWED_HOSTS accepts exact names and subdomains', async (t) => {
  const settings = { ALLOWED_HOSTS: 'rewards.example.com, .robots.example.com' };
  const fine = [
    'rewards.example.com',
    'Rewards.Example.com:443',
    'a.robots.example.com',
    'a.b.robots.example.com',
    '127.0.0.1',
  ];
  t.strictSame(await statuses(t, settings, fine), all(fine, 200));
  const others = [
    'example.com',
    'a.rewards.example.com',
    'robots.example.com',
    'arobots.example.com',
    'rewards.example.com.evil.example',
  ];
  t.strictSame(await statuses(t, settings, others), all(others, 421));
  t.strictSame(await statuses(t, { ALLOWED_HOSTS: '*' }, FOREIGN), all(FOREIGN, 200));
  for (const wrong of ['https://a.example', 'a.example:80', 'a.example/x', '*.a.example', 'a..example'])
    t.throws(() => loadConfig({ ALLOWED_HOSTS: wrong }), /^Configuration: ALLOWED_HOSTS must be names/, wrong);
});

t.test('with API_KEYS every host name is accepted, unless ALLOWED_HOSTS is set', async (t) => {
  const settings = { API_KEYS: `ada=${KEY}` };
  t.strictSame(await statuses(t, settings, FOREIGN), all(FOREIGN, 200));
  t.strictSame(await statuses(t, { ...settings, ALLOWED_HOSTS: 'a.example' }, FOREIGN), all(FOREIGN, 421));
});

t.test('every operation, page and file checks the host, and the problem says what to do', async (t) => {
  const app = await buildTestApp(t);
  const headers = { host: 'evil.example' };
  const pages = [...PAGES, '/nothing'].map((url) => ({ method: 'GET' as const, url }));
  for (const { method, url } of [...(await operationsOf(app)), ...pages]) {
    const { detail } = isProblem(t, await app.inject({ method, url, headers }), 'forbidden-host');
    t.match(detail, /`evil\.example`.*localhost.*ALLOWED_HOSTS/);
  }
  const form = multipart([episodePart(EPISODE), framePart(await frameFile())]);
  const post = (host: string) =>
    app.inject({ method: 'POST', url: '/v1/rewards', payload: form.payload, headers: { ...form.headers, host } });
  isProblem(t, await post('evil.example'), 'forbidden-host');
  resultOf(t, await post('127.0.0.1:8080'));
});

t.test('a missing, repeated or malformed Host is refused', { timeout: 20_000 }, async (t) => {
  const port = await listen(await buildTestApp(t));
  const ask = async (head: string) => {
    const client = await rawClient(t, port);
    client.socket.write(`${head}\r\n\r\n`);
    return client.answer();
  };
  const get = 'GET /health/live HTTP/1.1';
  isProblem(t, await ask(get), 'malformed-http');
  isProblem(t, await ask(`${get}\r\nHost: 127.0.0.1\r\nHost: evil.example`), 'malformed-http');
  isProblem(t, await ask(`${get}\r\nHost: 127.0.0.1\r\nhost: 127.0.0.1`), 'malformed-http');
  for (const host of [
    '',
    ' ',
    'a b',
    'evil.example@127.0.0.1',
    '127.0.0.1:80:90',
    '[::1',
    '::1',
    'a/b',
    'a,b',
    '127.0.0.1:x',
    '[evil.example]',
  ])
    isProblem(t, await ask(`${get}\r\nHost: ${host}`), 'malformed-http');
  isProblem(t, await ask(`${get}\r\nHost: ${'a'.repeat(5000)}.example`), 'forbidden-host');
  isProblem(t, await ask('GET http://evil.example/health/live HTTP/1.1\r\nHost: 127.0.0.1'), 'forbidden-host');
  t.equal((await ask('GET /health/live HTTP/1.0')).statusCode, 200, 'HTTP/1.0 needs no Host');
  isProblem(t, await ask('GET /health/live HTTP/1.0\r\nHost: evil.example'), 'forbidden-host');
});

t.test('errors that Node handles itself are problems too', { timeout: 20_000 }, async (t) => {
  const port = await listen(await buildTestApp(t));
  const ask = async (head: string) => {
    const client = await rawClient(t, port);
    client.socket.write(`${head}\r\n\r\n`);
    return client.answer();
  };
  const get = 'GET /health/live HTTP/1.1\r\nHost: 127.0.0.1';
  isProblem(t, await ask(`${get}\r\nExpect: zebra`), 'expectation-failed');
  isProblem(t, await ask(`${get}\r\nExpect: `), 'expectation-failed');
  t.equal((await ask(`${get}\r\nExpect: 100-Continue`)).statusCode, 100, 'the client may send the body');
  isProblem(t, await ask('CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1'), 'method-not-allowed');
  for (const lengths of [
    'Content-Length: 5\r\nContent-Length: 5',
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
  ])
    isProblem(t, await ask(`${get}\r\n${lengths}`), 'malformed-http');
  isProblem(t, await ask('OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1'), 'not-found');
});
