import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { buildTestApp, listen } from '../support/app.ts';
import { needing } from '../support/needs.ts';
import { risingEngine, startBrowser } from './support.ts';

// These names are other sites for the browser.
const browser = startBrowser(t, ['--host-resolver-rules=MAP *.example 127.0.0.1']);

const needs = needing('chromium');

async function service(t: Test, settings: Record<string, string> = {}) {
  const engine = risingEngine();
  const port = await listen(await buildTestApp(t, settings, engine));
  return { engine, port, url: `http://127.0.0.1:${port}` };
}

/** A page of another site. */
async function otherSite(t: Test, body: string): Promise<{ page: Page; port: number }> {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  t.teardown(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const page = await newPage(t);
  await page.goto(`http://evil.example:${port}/`);
  return { page, port };
}

async function newPage(t: Test): Promise<Page> {
  const context = await (await browser()).newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  return page;
}

t.test('a form that another site posts is refused', needs, async (t) => {
  const { engine, url } = await service(t);
  const { page } = await otherSite(
    t,
    `<form method="post" enctype="multipart/form-data" action="${url}/v1/rewards">
       <input name="episode" value='{"instruction":"Open the drawer.","fps":2}'><button>Send</button>
     </form>`,
  );
  const [answer] = await Promise.all([page.waitForResponse(`${url}/v1/rewards`), page.getByText('Send').click()]);
  t.equal(answer.status(), 403);
  t.match(await answer.text(), /cross-site-request/);
  t.equal(engine.calls.length, 0);
});

t.test('a script of another site or another port is refused', needs, async (t) => {
  const { engine, url } = await service(t);
  const { page, port } = await otherSite(t, '');
  for (const site of ['evil.example', '127.0.0.1']) {
    await page.goto(`http://${site}:${port}/`);
    const [answer] = await Promise.all([
      page.waitForResponse(`${url}/v1/rewards`),
      page.evaluate((to) => fetch(to, { method: 'POST', mode: 'no-cors', body: new FormData() }), `${url}/v1/rewards`),
    ]);
    t.equal(answer.status(), 403, site);
  }
  t.equal(engine.calls.length, 0);
});

t.test('a site whose name resolves to the address of the service (DNS rebinding) is refused', needs, async (t) => {
  const { port } = await service(t);
  const page = await newPage(t);
  const answer = await page.goto(`http://evil.example:${port}/`);
  t.equal(answer?.status(), 421);
  const model = await page.evaluate(async () => (await fetch('/v1/model')).status);
  t.equal(model, 421);
});

t.test('a link from another site opens the playground', needs, async (t) => {
  const { url } = await service(t);
  const { page } = await otherSite(t, `<a href="${url}/">Try it</a>`);
  await page.getByText('Try it').click();
  await page.locator('#score:enabled').waitFor();
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  t.pass('the playground scores the episode');
});

t.test('the playground works at an allowed host name over plain HTTP', needs, async (t) => {
  const { port, engine } = await service(t, { ALLOWED_HOSTS: 'rewards.example' });
  const page = await newPage(t);
  const sent: Record<string, string>[] = [];
  page.on('request', async (request) => sent.push(await request.allHeaders()));
  await page.goto(`http://rewards.example:${port}/`);
  await page.locator('#score:enabled').waitFor();
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  t.equal(engine.calls.length, 1);
  t.notOk(
    sent.some((headers) => 'sec-fetch-site' in headers),
    'the browser sends no Sec-Fetch-Site header here',
  );
});
