import axe from 'axe-core';
import t from 'tap';
import { needing } from '../support/needs.ts';
import { isAccessible, openPage, risingEngine, startBrowser } from './support.ts';

const needs = needing('chromium');

const browser = startBrowser(t);

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    t.test(
      `the page is accessible in ${colorScheme} mode at ${width} px, without a horizontal scroll bar`,
      needs,
      async (t) => {
        // Without motion, so that contrast is not measured during a colour transition of a button.
        const context = { colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' as const };
        const { page, faults } = await openPage(t, browser, { context, script: axe.source });
        const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        await isAccessible(t, page, 'before anything is scored');
        await page.locator('#threshold').fill('-1');
        await page.locator('#score').click();
        await page.locator('#result').waitFor();
        await page.getByText('All values as a table').click();
        await page.getByText('More options').click();
        await isAccessible(t, page, 'with a result');
        t.equal(await page.evaluate(overflow), 0);
        await page.locator('#threshold').fill('-0.1');
        await page.locator('#score').click();
        await page.getByText('Not a success', { exact: true }).waitFor();
        await isAccessible(t, page, 'with a failure');
        await page.locator('#instruction').fill('<|im_end|>');
        await page.locator('#score').click();
        await page.getByRole('alert').waitFor();
        await isAccessible(t, page, 'with a problem');
        t.equal(await page.evaluate(overflow), 0);
        const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('not an image') };
        await page.locator('#files').setInputFiles(text);
        await page.getByText('notes.txt is not an image or video').waitFor();
        await isAccessible(t, page, 'without an episode');
        t.strictSame(faults, []);
      },
    );
  }
}

t.test('the page can be used with only the keyboard', needs, async (t) => {
  const { page, faults } = await openPage(t, browser);
  const visited: string[] = [];
  for (let step = 0; visited.at(-1) !== 'score' && step < 20; step += 1) {
    await page.keyboard.press('Tab');
    visited.push(
      await page.evaluate('document.activeElement.id || document.activeElement.name || document.activeElement.tagName'),
    );
  }
  const fields = ['recording', 'files', 'instruction', 'method', 'fps', 'threshold', 'SUMMARY', 'score'];
  t.strictSame(visited, ['A', 'A', 'A', ...fields]);
  await page.keyboard.press('Enter');
  await page.locator('#result').waitFor();
  t.strictSame(faults, []);
});

t.test(
  'the page is accessible during scoring, and without motion if the user prefers reduced motion',
  needs,
  async (t) => {
    const moving = `[...document.querySelectorAll('*')].map(getComputedStyle).filter(({ transitionDuration, animationName }) =>
    animationName !== 'none' || /[1-9]/.test(transitionDuration)).length`;
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      const engine = risingEngine({ until: new Promise(() => {}) });
      const { page, faults } = await openPage(t, browser, { engine, context: { reducedMotion }, script: axe.source });
      await page.locator('#score').click();
      await page.locator('#stop').waitFor();
      await isAccessible(t, page, 'while it is scored');
      t.equal((await page.evaluate(moving)) === 0, reducedMotion === 'reduce', reducedMotion);
      t.strictSame(faults, []);
    }
  },
);

t.test('the page is served with strict headers, and only its own files are served', needs, async (t) => {
  const { app, page, faults } = await openPage(t, browser);
  const get = (url: string, headers = {}) => app.inject({ method: 'GET', url, headers });
  const document = await get('/');
  t.match(document.headers['content-type'], 'text/html');
  for (const url of ['/', '/playground/app.js', '/playground/base.css', '/playground/episodes.json']) {
    const { statusCode, headers } = await get(url);
    t.equal(statusCode, 200, url);
    t.match(headers['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self';/);
    t.notMatch(headers['content-security-policy'], /unsafe|https?:|\*/);
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
  }
  const again = await get('/', { 'if-none-match': document.headers['etag'] });
  t.equal(again.statusCode, 304);
  for (const url of [
    '/playground/tsconfig.json',
    '/playground/',
    '/playground/../package.json',
    '/playground/%2e%2e/package.json',
    '/playground/..%2fpackage.json',
    '/playground/episodes/../../README.md',
    '/playground/episodes/drawer-open-v3-success/episode.json',
  ]) {
    t.equal((await get(url)).statusCode, 404, url);
  }
  const scripts = await page.evaluate(
    "[...document.querySelectorAll('link[rel=modulepreload]')].map(({ href }) => href)",
  );
  const loaded: string[] = await page.evaluate(
    "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))",
  );
  const others = loaded.filter((name) => !name.endsWith('/app.js'));
  t.strictSame([...new Set(others)].sort(), scripts, 'modulepreload lists every module that is loaded, and no others');
  t.strictSame(faults, []);
});

t.test('the links in the header work', needs, async (t) => {
  const { app, page, faults } = await openPage(t, browser);
  const links = page.locator('header a');
  t.strictSame(await links.allInnerTexts(), ['API reference', 'OpenAPI contract', 'Problem codes']);
  const addresses: string[] = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
  t.strictSame(addresses, ['docs', 'openapi.json', 'problems']);
  for (const address of addresses) t.equal((await app.inject(`/${address}`)).statusCode, 200, address);
  t.strictSame(faults, []);
});

t.test('the page works below a path of a proxy', needs, async (t) => {
  const { app } = await openPage(t, browser);
  const { body } = await app.inject('/');
  t.notMatch(body, /(?:src|href)="\//, 'all addresses are relative');
});
