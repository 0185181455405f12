import t from 'tap';
import { isProblem } from '../support/answers.ts';
import { buildTestApp, operationsOf } from '../support/app.ts';
import { episodePart, framePart, multipart } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const engine = stubEngine();
const app = await buildTestApp(t, {}, engine);
const form = multipart([episodePart(EPISODE), framePart(await frameFile())]);
const host = '127.0.0.1:8080';
const post = (headers: Record<string, string>) =>
  app.inject({
    method: 'POST',
    url: '/v1/rewards',
    payload: form.payload,
    headers: { ...form.headers, host, ...headers },
  });
const get = (url: string, headers: Record<string, string>) =>
  app.inject({ method: 'GET', url, headers: { host, ...headers } });

t.test('a form that a page of another origin posts is refused', async (t) => {
  for (const headers of [
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', origin: 'http://127.0.0.1:3000' },
    { 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
    { 'sec-fetch-site': 'zebra' },
    // Over plain HTTP to another machine, browsers send no more than this.
    { origin: 'https://evil.example' },
    { origin: 'http://127.0.0.1:3000' },
    { origin: 'http://127.0.0.1' },
    { origin: 'null' },
    { origin: 'zebra' },
  ] as Record<string, string>[])
    isProblem(t, await post(headers), 'cross-site-request');
  t.equal(engine.calls.length, 0, 'no episode is scored');
});

t.test('requests from the service’s own pages and from programs are accepted', async (t) => {
  for (const headers of [
    {},
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', origin: `http://${host}` },
    // Behind a proxy that ends TLS and has another name.
    { 'sec-fetch-site': 'same-origin', origin: 'https://rewards.example.com' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    { origin: `http://${host}` },
    { origin: `https://${host}` },
    // Node's fetch sends this.
    { 'sec-fetch-mode': 'cors' },
  ] as Record<string, string>[])
    t.equal((await post(headers)).statusCode, 200, JSON.stringify(headers));
});

t.test('every operation refuses a request from another site', async (t) => {
  const headers = { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  const operations = (await operationsOf(app)).map(({ method, url }) => [method, url] as const);
  for (const [method, url] of [...operations, ['HEAD', '/v1/model'], ['OPTIONS', '/v1/rewards']] as const) {
    const answer = await app.inject({ method, url, headers });
    if (method === 'HEAD') t.equal(answer.statusCode, 403);
    else isProblem(t, answer, 'cross-site-request');
  }
});

t.test('links to pages work from any site', async (t) => {
  for (const site of ['cross-site', 'same-site', 'none']) {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    for (const url of ['/', '/docs', '/openapi.json', '/docs/yaml', '/problems', '/problems/not-found'])
      t.equal((await get(url, headers)).statusCode, 200, `${url} ${site}`);
    isProblem(t, await get('/nothing', headers), 'not-found');
  }
});

t.test('scripts and images cannot be loaded by another site', async (t) => {
  for (const mode of ['no-cors', 'cors', 'websocket']) {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': mode };
    for (const url of ['/', '/playground/app.js', '/playground/episodes.json', '/docs/scalar.js'])
      isProblem(t, await get(url, headers), 'cross-site-request');
  }
});
