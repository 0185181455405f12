import type { Page } from 'playwright-core';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { needing } from '../support/needs.ts';
import { drawn, openPage, risingEngine, startBrowser } from './support.ts';

t.setTimeout(120_000);
const needs = needing('chromium');
const browser = startBrowser(t);
const SCREENS = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const NOTES = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('not an image') };

/** With reduced motion, scrolling ends at once. */
const open = (t: Test, viewport: { width: number; height: number }, engine = risingEngine()) =>
  openPage(t, browser, { engine, context: { viewport, reducedMotion: 'reduce' } });

/** How much of an element is on the screen. */
async function onScreen(page: Page, selector: string): Promise<'all' | 'some' | 'none'> {
  const { top, bottom, height }: { top: number; bottom: number; height: number } = await page.evaluate(`(() => {
    const { top, bottom } = document.querySelector('${selector}').getBoundingClientRect();
    return { top, bottom, height: innerHeight };
  })()`);
  if (top >= 0 && bottom <= height) return 'all';
  return bottom > 0 && top < height ? 'some' : 'none';
}

async function score(page: Page, threshold = '-1'): Promise<void> {
  await page.locator('#threshold').fill(threshold);
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
}

/** Checks that nothing of an earlier episode is shown. */
async function isEmpty(t: Test, page: Page): Promise<void> {
  await drawn(page);
  t.equal(await page.locator('#result').isVisible(), false, 'there is no verdict');
  t.equal(await page.locator('#chart circle').count(), 0, 'there is no curve');
  t.equal(await page.locator('#readout').innerText(), '', 'there are no numbers');
  t.equal(await page.locator('#strip-frames li').count(), 0, 'there are no frames');
  t.equal(await page.locator('#strip-note').innerText(), 'No episode loaded');
  t.equal(await page.locator('#preview').getAttribute('src'), null);
  t.equal(await page.locator('#command').innerText(), '', 'there is no command');
  for (const button of ['#score', '#copy']) t.equal(await page.locator(button).isEnabled(), false, button);
}

for (const [screen, viewport] of Object.entries(SCREENS)) {
  t.test(
    `${screen}: a file that cannot be used clears the earlier result, and the message is on the screen`,
    needs,
    async (t) => {
      const { page, faults } = await open(t, viewport);
      for (const file of [NOTES, { ...NOTES, name: 'broken.mp4', mimeType: 'video/mp4' }]) {
        await page.locator('#recordings input').first().check({ force: true });
        await page.locator('#score:enabled').waitFor();
        await score(page);
        await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
        await page.locator('#files').setInputFiles(file);
        await page.getByRole('alert').waitFor();
        t.match(await page.getByRole('alert').innerText(), file.name);
        t.equal(await onScreen(page, '#problem'), 'all', file.name);
        await isEmpty(t, page);
        t.equal(await page.locator('#drop-title').innerText(), 'Drop frames or a video here', 'no file is chosen');
        t.equal(await page.locator('#recordings :checked').count(), 0);
      }
      t.strictSame(faults, []);
    },
  );

  t.test(`${screen}: the page scrolls to a problem`, needs, async (t) => {
    const { page, faults } = await open(t, viewport);
    await score(page);
    await page.locator('#instruction').fill('<|im_end|>');
    for (const place of ['0', 'document.body.scrollHeight']) {
      await page.evaluate(`window.scrollTo(0, ${place})`);
      await page.evaluate("document.querySelector('#form').requestSubmit()");
      await page.getByRole('alert').waitFor();
      t.equal(await onScreen(page, '#problem'), 'all', place);
      await page.locator('#stop').waitFor({ state: 'hidden' });
    }
    t.strictSame(faults, []);
  });

  t.test(`${screen}: the page scrolls to the verdict and its warnings`, needs, async (t) => {
    const flat = risingEngine({ numbers: (share) => [-2 + share / 10, -0.2] });
    const { page, faults } = await open(t, viewport, flat);
    await score(page);
    t.match(await page.locator('#notes').innerText(), 'The curve is flat');
    for (const part of ['#verdict', '#notes']) t.equal(await onScreen(page, part), 'all', part);
    t.strictSame(faults, []);
  });

  t.test(`${screen}: a selected frame is shown large`, needs, async (t) => {
    const { page, faults } = await open(t, viewport);
    const checked = page.locator('#strip-frames li:has(:checked)');
    t.equal(await checked.innerText(), '24', 'the last frame is selected at first');
    await page.locator('#strip-frames li').nth(11).click();
    t.equal(await page.locator('#preview').getAttribute('alt'), 'Frame 12');
    t.equal(await checked.innerText(), '12');
    t.equal(await onScreen(page, '#preview'), 'all');
    await page.keyboard.press('ArrowRight');
    t.equal(await page.locator('#preview-note').innerText(), 'Frame 13 of 24');
    t.equal(await checked.innerText(), '13');

    await score(page);
    await page.locator('#strip-frames li').nth(11).click();
    t.match(await page.locator('#readout').innerText(), '12 frames, 2.75 s');
    await drawn(page);
    t.equal(await page.locator('#chart .point.selected').count(), 1);
    await page.keyboard.press('ArrowRight');
    t.match(
      await page.locator('#readout').innerText(),
      /Prefix\s+13 frames: not scored/,
      'no prefix ends at this frame',
    );
    await drawn(page);
    t.equal(await page.locator('#chart .point.selected').count(), 0);
    t.equal(await page.locator('#preview').getAttribute('alt'), 'Frame 13');
    t.strictSame(faults, []);
  });
}

t.test('the earlier result is cleared while the next episode is loaded', needs, async (t) => {
  const { page, faults } = await open(t, SCREENS.desktop);
  await score(page);
  await page.route('**/drawer-open-v3-failure/*.jpg', () => {});
  await page.locator('#recordings input').last().check({ force: true });
  await page.locator('#result').waitFor({ state: 'hidden' });
  await isEmpty(t, page);
  t.strictSame(faults, []);
});

t.test('a frame that is selected during scoring stays selected', needs, async (t) => {
  const { promise: until, resolve: go } = Promise.withResolvers<void>();
  const engine = risingEngine({ before: (query) => (query > 1 ? until : undefined) });
  const { page, faults } = await open(t, SCREENS.desktop, engine);
  await page.locator('#score').click();
  await page.locator('#chart circle').first().waitFor();
  await page.locator('#strip-frames li').nth(4).click();
  go();
  await page.locator('#result').waitFor();
  t.equal(await page.locator('#preview').getAttribute('alt'), 'Frame 5');
  t.match(await page.locator('#readout').innerText(), 'Prefix\n5 frames');
  t.strictSame(faults, []);
});

t.test('a result is marked if the form has changed since', needs, async (t) => {
  const { page, faults } = await open(t, SCREENS.desktop);
  await score(page);
  const stale = page.getByText('The form has changed.');
  t.equal(await stale.isVisible(), false);
  await page.locator('#instruction').fill('Close the drawer.');
  t.equal(await stale.isVisible(), true);
  await score(page);
  t.equal(await stale.isVisible(), false);
  t.strictSame(faults, []);
});

t.test('the strip of a long episode shows a part of the frames', needs, async (t) => {
  const { page, faults } = await open(t, SCREENS.desktop);
  const background = { r: 90, g: 120, b: 30 };
  const buffer = await sharp({ create: { width: 32, height: 32, channels: 3, background } })
    .jpeg()
    .toBuffer();
  const files = Array.from({ length: 241 }, (_, i) => ({ name: `${i}.jpg`, mimeType: 'image/jpeg', buffer }));
  await page.locator('#files').setInputFiles(files);
  await page.getByText('1 of every 2 shown').waitFor();
  t.equal(await page.locator('#strip-frames li').count(), 121);
  await page.locator('#strip-frames li').nth(1).click();
  t.equal(await page.locator('#preview').getAttribute('alt'), 'Frame 3');
  t.equal(await page.locator('#strip-frames li:has(:checked)').innerText(), '3');
  t.strictSame(faults, []);
});
