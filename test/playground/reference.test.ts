import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Locator, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { BatchEvent } from '../../schemas/batch.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { ofTopreward } from '../support/answers.ts';
import { buildTestApp, listen } from '../support/app.ts';
import { episodePixels, frameFiles, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { EPISODE } from '../support/stub-engine.ts';
import { startBrowser } from './support.ts';

const needs = needing('chromium');
const browser = startBrowser(t);
const COUNT = 3;
const frames = await frameFiles(COUNT);
const npyOf = (count: number) => npyFile(episodePixels(count), { shape: [count, HEIGHT, WIDTH, 3] });

t.setTimeout(120_000);
const service = `http://127.0.0.1:${await listen(await buildTestApp(t))}`;

/** The reference, open at an operation. */
interface Reference {
  page: Page;
  operation: Locator;
  /** What must not happen: console errors, violations of the policy, requests to other hosts. */
  faults: string[];
}

/** @param address of the service, with the path that a proxy adds */
async function openReference(path: string, address = service, start = '/docs'): Promise<Reference> {
  const { origin } = new URL(address);
  const context = await (await browser()).newContext({ viewport: { width: 1440, height: 900 } });
  // Before the service closes: it would wait for the browser's idle connections.
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // The browser reports every response of 400 and above.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['blob:', 'data:'].includes(url.protocol) && url.origin !== origin) faults.push(`requested ${url}`);
  });
  context.on('page', (opened) => faults.push(`opened ${opened.url()}`));
  await page.goto(`${address}${start}#tag/${path}`);
  return { page, operation: page.locator(`section[id$="tag/${path}"]`), faults };
}

interface Answer {
  status: number;
  body: string;
}

/** The window in which a request is written and sent. */
interface Client {
  dialog: Locator;
  send(): Promise<Answer>;
}

async function openClient({ page, operation }: Reference): Promise<Client> {
  await operation.getByRole('button', { name: 'Test Request' }).click();
  const dialog = page.getByRole('dialog', { name: 'API Client' });
  return {
    dialog,
    async send() {
      const [answer] = await Promise.all([
        page.waitForResponse((response) => new URL(response.url()).pathname.includes('/v1/')),
        dialog.getByRole('button', { name: /^Send (get|post) request/ }).click(),
      ]);
      return { status: answer.status(), body: await answer.text() };
    },
  };
}

/** A client whose body is a form. */
interface Form extends Client {
  /** Writes into the first row of a part. */
  fill(part: string, text: string): Promise<void>;
  /** Chooses files for a part: first in the rows that it has, then in new rows. */
  choose(part: string, files: Buffer[]): Promise<void>;
}

async function openForm(path: string): Promise<Form> {
  const reference = await openReference(path);
  const client = await openClient(reference);
  const { page } = reference;
  const { dialog } = client;
  await dialog.getByRole('button', { name: 'JSON', exact: true }).click();
  await page.getByRole('option', { name: 'Multipart Form' }).click();
  const table = dialog.getByRole('table').filter({ has: page.getByRole('button', { name: 'Select File' }) });
  const rowsOf = (part: string) => table.getByRole('row', { name: `Include ${part} in request` });
  async function chooseIn(row: Locator, buffer: Buffer) {
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      row.getByRole('button', { name: 'Select File' }).click(),
    ]);
    await chooser.setFiles({ name: 'file', mimeType: 'application/octet-stream', buffer });
  }
  return {
    ...client,
    async fill(part, text) {
      await rowsOf(part).first().getByRole('combobox', { name: 'Value' }).fill(text);
    },
    async choose(part, files) {
      for (const [index, buffer] of files.entries()) {
        const row = rowsOf(part).nth(index);
        if (await row.count()) {
          await chooseIn(row, buffer);
        } else {
          // The last row is empty. With a file it becomes a part that has the name of the file.
          await chooseIn(table.getByRole('row').last(), buffer);
          const key = rowsOf('file').getByRole('combobox', { name: 'Key' });
          await key.fill(part);
          await key.blur();
        }
        await row.getByText('file', { exact: true }).first().waitFor();
      }
    },
  };
}

function lengthOf(t: Test, { status, body }: Answer): number | undefined {
  t.equal(status, 200, status === 200 ? 'scored' : body);
  return (JSON.parse(body) as RewardResult).prefixes.at(-1)?.length;
}

t.test('the reference shows an operation and sends it, and no other host gets a request', needs, async (t) => {
  const reference = await openReference('service/GET/v1/model');
  const { page, operation, faults } = reference;
  await operation.waitFor();
  t.equal(await page.title(), 'topreward-server API');
  const icon = page.locator('header img');
  t.ok(
    await icon.evaluate((img) => (img as unknown as { naturalWidth: number }).naturalWidth > 0),
    'the mark is shown',
  );
  await page.getByRole('link', { name: /Score an episode/ }).click();
  const scoring = page.locator('section[id$="tag/rewards/POST/v1/rewards"]');
  await scoring.locator('pre', { hasText: 'Open the drawer.' }).first().waitFor();
  await scoring.getByRole('button', { name: /Curl/ }).click();
  await page.getByRole('option', { name: 'Requests' }).click();
  await scoring.locator('pre', { hasText: 'requests.post' }).first().waitFor();
  await scoring.getByRole('button', { name: 'Copy as Markdown' }).click();
  await page
    .getByRole('button', { name: /Search/ })
    .first()
    .click();
  await page.getByRole('dialog').getByRole('combobox').fill('threshold');
  await page.getByRole('dialog').getByRole('option').first().waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /dark mode/i }).click();
  await page.locator('.dark-mode').first().waitFor();

  const client = await openClient(reference);
  const { status, body } = await client.send();
  t.equal(status, 200);
  await client.dialog.getByText(JSON.parse(body).model).first().waitFor();
  t.strictSame(faults, []);
});

t.test('without the contract, the page says so and has links to it', needs, async (t) => {
  const context = await (await browser()).newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  await page.route('**/docs/json', (route) => route.fulfill({ status: 503 }));
  await page.goto(`${service}/docs`);
  const fault = page.getByRole('alert');
  await fault.waitFor();
  t.match(await fault.textContent(), 'cannot be shown: the service responded with status 503. Reload the page');
  t.equal(await fault.getByRole('link').count(), 2);
});

t.test('everything that could lead to another service is off', needs, async (t) => {
  const { page, operation } = await openReference('rewards/POST/v1/rewards');
  await operation.waitFor();
  const links = await page
    .locator('a[href]')
    .evaluateAll((all) => all.map((a) => (a as unknown as { href: string }).href));
  t.ok(links.length > 10);
  const elsewhere = links.filter((href) => !href.startsWith(`${service}/`));
  // Those that readers expect: the name of the software, and a standard.
  t.strictSame(
    elsewhere.filter((href) => !/^https:\/\/(scalar\.com|www\.rfc-editor\.org)\//.test(href)),
    [],
  );
  for (const name of [/ask ai/i, /generate/i, /deploy/i, /share/i, /open.*client/i, /mcp/i, /configure/i])
    t.equal(await page.getByRole('button', { name }).count(), 0, `${name}`);
});

t.test('the reference works behind a proxy that adds a path, and with a slash', needs, async (t) => {
  const proxy = createServer((request, response) => {
    const url = new URL(`${service}${request.url?.replace('/topreward', '')}`);
    const forwarded = httpRequest(url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode as number, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => proxy.close().closeAllConnections());
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/topreward`;
  const reference = await openReference('rewards/POST/v1/rewards', address, '/docs/');
  t.equal(lengthOf(t, await (await openClient(reference)).send()), 2);
  t.equal(new URL(reference.page.url()).pathname, '/topreward/docs');
  t.strictSame(reference.faults, []);
});

t.test('the JSON example is scored as it is', needs, async (t) => {
  const reference = await openReference('rewards/POST/v1/rewards');
  t.equal(lengthOf(t, await (await openClient(reference)).send()), 2);
  t.strictSame(reference.faults, []);
});

t.test('frames that were chosen in the form are scored, with the other parts unchanged', needs, async (t) => {
  const form = await openForm('rewards/POST/v1/rewards');
  const { code } = JSON.parse((await form.send()).body);
  t.equal(code, 'no-frames', 'rows without a file are not sent');
  await form.choose('frames', frames);
  t.equal(lengthOf(t, await form.send()), COUNT);
});

t.test('a .npy that was chosen in the form is scored', needs, async (t) => {
  const form = await openForm('rewards/POST/v1/rewards');
  await form.fill('episode', JSON.stringify({ ...EPISODE, prefixes: { last: 1 } }));
  await form.choose('npy', [npyOf(4)]);
  t.equal(lengthOf(t, await form.send()), 4);
});

t.test('a batch that was written in the form is scored', needs, async (t) => {
  const form = await openForm('rewards/POST/v1/rewards/batch');
  const items = [{ episode: EPISODE, frame_count: 2 }, { episode: EPISODE }, { episode: EPISODE, frame_count: 1 }];
  await form.fill('batch', JSON.stringify({ items }));
  await form.choose('frames', frames);
  await form.choose('npy', [npyOf(4)]);
  const { status, body } = await form.send();
  t.equal(status, 200, status === 200 ? 'scored' : body);
  const events: BatchEvent[] = body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const lengths = events.flatMap((event) =>
    event.event === 'result' ? [[event.index, ofTopreward(event.result).prefixes.at(-1)?.length]] : [],
  );
  t.strictSame(lengths.sort(), [
    [0, 2],
    [1, 4],
    [2, 1],
  ]);
});
