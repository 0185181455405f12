import axe from 'axe-core';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { needing } from '../support/needs.ts';
import { openPage, risingEngine, startBrowser } from './support.ts';

const needs = needing('chromium');

const browser = startBrowser(t);

/** Holds what is on the screen against axe's rules; the page was opened with axe. */
async function isAccessible(t: Test, page: Page, what: string): Promise<void> {
  const found: { id: string; targets: string[] }[] = await page.evaluate(`(async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ target, failureSummary }) => target.join(' ') + ' ' + failureSummary) }));
  })()`);
  t.strictSame(found, [], what);
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    t.test(`accessible in ${colorScheme}, ${width} px wide, without a bar to scroll sideways`, needs, async (t) => {
      // Contrast is that of a page at rest, not of a button halfway from one colour to the next.
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
      const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') };
      await page.locator('#files').setInputFiles(text);
      await page.getByText('notes.txt is no image or video').waitFor();
      await isAccessible(t, page, 'without an episode');
      t.strictSame(faults, []);
    });
  }
}

t.test('with the keyboard alone', needs, async (t) => {
  const { page, faults } = await openPage(t, browser);
  const visited: string[] = [];
  for (let step = 0; visited.at(-1) !== 'score' && step < 20; step += 1) {
    await page.keyboard.press('Tab');
    visited.push(
      await page.evaluate('document.activeElement.id || document.activeElement.name || document.activeElement.tagName'),
    );
  }
  t.strictSame(visited, ['A', 'recording', 'files', 'instruction', 'fps', 'threshold', 'SUMMARY', 'score']);
  await page.keyboard.press('Enter');
  await page.locator('#result').waitFor();
  t.strictSame(faults, []);
});

t.test('while it is scored, and without motion for those who want none', needs, async (t) => {
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
});

t.test('how the page is served', needs, async (t) => {
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
  t.strictSame([...new Set(others)].sort(), scripts, 'every module is announced, and none that is not there');
  t.strictSame(faults, []);
});

t.test('below a path of a proxy', needs, async (t) => {
  const { app } = await openPage(t, browser);
  const { body } = await app.inject('/');
  t.notMatch(body, /(?:src|href)="\//, 'all addresses are relative');
});
