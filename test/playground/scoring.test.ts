import t from 'tap';
import { ProblemError } from '../../src/problems/problems.ts';
import { aborted } from '../support/app.ts';
import { needing } from '../support/needs.ts';
import { drawn, logProbOf, openPage, risingEngine, startBrowser } from './support.ts';

const needs = needing('chromium');

const browser = startBrowser(t);
/** Lengths of 15 prefixes of 24 frames at 4 fps. */
const PREFIXES = [1, 2, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19, 20, 22, 24];
/** Number of sampled frames of a prefix. */
const shown = (length: number) => Math.ceil(length / 2);

t.test('a static video is scored if it is chosen, and shown with the result', needs, async (t) => {
  // The static video has one frame only.
  const engine = risingEngine({
    numbers: (share, { plan }) => [plan.sampledFrames.length > 1 ? logProbOf(share) : -3 + share / 4, -0.2],
  });
  const { page, faults } = await openPage(t, browser, { engine });
  await page.getByText('More options').click();
  await page.locator('#control').selectOption('static');
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  t.equal(engine.calls.length, 2);
  const numbers = await page.locator('#numbers').innerText();
  const shares = [10 / 12, 11 / 12, 1];
  const corrected = shares.reduce((sum, share) => sum + logProbOf(share) - (-3 + share / 4), 0) / 3;
  t.match(numbers, `Corrected score\n${corrected.toFixed(3)}`);
  t.match(numbers, `Range of the static video\n${((1 - 1 / 12) / 4).toFixed(2)}`);
  t.strictSame(faults, []);

  await page.locator('#control').selectOption('none');
  await page.locator('#score').click();
  await page.getByText('Corrected score').waitFor({ state: 'detached' });
  t.equal(engine.calls.length, 3);
});

t.test('the curve of a recorded episode grows while the engine scores it', needs, async (t) => {
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  const engine = risingEngine({ before: (query) => (query > 1 ? until : undefined) });
  const { page, faults } = await openPage(t, browser, { engine });
  const points = page.locator('#chart circle');
  t.equal(await page.locator('#strip-frames li').count(), 24);
  t.equal(await page.locator('#instruction').inputValue(), 'Open the drawer.');
  t.equal(await page.locator('#fps').inputValue(), '4');
  t.equal(await points.count(), 0);

  await page.locator('#threshold').fill('-1');
  await page.locator('#score').click();
  const early = PREFIXES.filter((length) => shown(length) >= 11).length;
  await points.nth(early - 1).waitFor();
  t.equal(await points.count(), early, 'the prefixes that are scored are drawn');
  t.equal(await page.locator('#progress').getAttribute('value'), String(early));
  t.equal(await page.locator('#result').isVisible(), false, 'there is no result yet');
  t.match(await page.locator('#chart .curve').getAttribute('class'), 'open');

  open();
  await page.locator('#result').waitFor();
  await drawn(page);
  t.equal(await points.count(), 15);
  t.equal(await page.locator('#progress').isVisible(), false);
  t.notMatch(await page.locator('#chart .curve').getAttribute('class'), 'open');
  // The last three prefixes have 10, 11 and 12 of the 12 sampled frames.
  const score = ((logProbOf(10 / 12) + logProbOf(11 / 12) + logProbOf(1)) / 3).toFixed(3).replace('-', '−');
  t.equal(
    await page.locator('#verdict').innerText(),
    `Success\nThe score ${score} (mean of the final 3 prefixes) is at or above the threshold −1.000.`,
  );
  t.match(await page.locator('#status').innerText(), '15 prefixes scored: success.');
  const seen = page.locator('#strip-frames li.sampled');
  t.strictSame(await seen.allInnerTexts(), ['1', '3', '5', '7', '9', '11', '13', '15', '17', '19', '21', '23']);
  t.match(await page.locator('#strip-note').innerText(), '12 sent to the model (underlined)');
  t.match(await page.locator('#provenance').innerText(), /stub-model[\s\S]*stub 1[\s\S]*open, reference layout/);

  await page.getByText('All values as a table').click();
  const rows = await page.locator('#rows tr').allInnerTexts();
  const cells = rows.map((row) => row.split(/\s*\t\s*/));
  t.strictSame(
    cells.map(([length, , used, logProb]) => [length, used, logProb]),
    PREFIXES.map((length) => {
      const used = shown(length);
      return [
        String(length),
        String(used),
        logProbOf(used / 12)
          .toFixed(3)
          .replace('-', '−'),
      ];
    }),
  );
  t.strictSame(faults, []);
});

t.test('points of the curve can be selected with the pointer and the keyboard', needs, async (t) => {
  const { page, faults } = await openPage(t, browser);
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  t.match(await page.locator('#readout').innerText(), '24 frames, 5.75 s', 'the longest prefix is selected at first');
  await page.locator('#scrub').focus();
  await page.keyboard.press('Home');
  t.match(await page.locator('#readout').innerText(), /1 frame, 0\.00 s[\s\S]*−2\.792 nats \(6\.1\u00a0%\)/);
  t.equal(
    await page.locator('#scrub').getAttribute('aria-valuetext'),
    '1 frame, 0.00 s, log probability of True −2.792 nats',
  );
  t.equal(await page.locator('#preview').getAttribute('alt'), 'Frame 1');
  t.equal(await page.locator('#strip-frames li:has(:checked)').innerText(), '1');
  await page.keyboard.press('ArrowRight');
  t.match(await page.locator('#readout').innerText(), '2 frames, 0.25 s');
  await page.locator('#chart circle').nth(7).hover();
  t.match(await page.locator('#readout').innerText(), '12 frames, 2.75 s');
  t.strictSame(faults, []);
});

t.test('the page shows a failure, a flat curve and a missing threshold', needs, async (t) => {
  const engine = risingEngine({ numbers: (share) => [-2 + share / 10, -0.2] });
  const { page, faults } = await openPage(t, browser, { engine });
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  t.match(await page.locator('#verdict').innerText(), 'No threshold');
  t.match(await page.locator('#notes').innerText(), 'The curve is flat: its range is below 0.2 nats');
  const heights = await page
    .locator('#chart circle')
    .evaluateAll((all) => all.map((c) => Number(c.getAttribute('cy'))));
  t.ok(Math.max(...heights) - Math.min(...heights) < 30, 'the curve is drawn flat');
  await page.locator('#threshold').fill('-1');
  await page.locator('#score').click();
  await page.getByText('Not a success', { exact: true }).waitFor();
  t.match(await page.locator('#verdict').innerText(), 'is below the threshold −1.000');
  t.strictSame(faults, []);
});

t.test('the page says what is different with the published pipeline', needs, async (t) => {
  const { page, faults } = await openPage(t, browser, { settings: { SUCCESS_THRESHOLD: -1 } });
  const shownThreshold = () =>
    page.evaluate(`getComputedStyle(document.getElementById('threshold'), '::placeholder').opacity`);
  await page.getByText('More options').click();
  t.equal(await page.locator('#threshold').getAttribute('placeholder'), '−1.000');
  t.equal(await shownThreshold(), '1');
  await page.locator('#pipeline').selectOption('published');
  t.equal(await shownThreshold(), '0', 'the threshold is not used, so it is not shown');
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  t.match(await page.locator('#verdict').innerText(), 'The published pipeline has no threshold of its own.');
  t.match(await page.locator('#strip-note').innerText(), '4 sent to the model with the longest prefix (underlined)');
  const [note, label] = await Promise.all(
    ['#pipeline-note', 'label[for="control"]'].map((field) => page.locator(field).boundingBox()),
  );
  t.ok((label?.y ?? 0) - (note?.y ?? 0) - (note?.height ?? 0) >= 12, 'there is a space between two fields');
  t.strictSame(faults, []);
});

t.test('a problem is shown with what to do, and disappears after a success', needs, async (t) => {
  const { page, app, origin, faults } = await openPage(t, browser);
  await page.locator('#instruction').fill('Open the <|im_end|> drawer.');
  await page.locator('#score').click();
  const problem = page.getByRole('alert');
  await problem.waitFor();
  t.match(
    await problem.innerText(),
    /^The request has text that the model reads as a control token\n[\s\S]*im_end[\s\S]*Correct the request and score again\.\n[\s\S]*HTTP 422 · special-token-text/,
  );
  const link = await problem.getByRole('link', { name: 'special-token-text' }).getAttribute('href');
  t.equal(link, `${origin}/problems/special-token-text`);
  t.equal((await app.inject('/problems/special-token-text')).statusCode, 200);
  t.equal(await page.locator('#instruction').getAttribute('aria-invalid'), 'true');
  await page.locator('#instruction').fill('Open the drawer.');
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  t.equal(await problem.isVisible(), false);
  t.equal(await page.locator('#instruction').getAttribute('aria-invalid'), null);
  t.strictSame(faults, []);
});

t.test('after a problem, the prefixes that were scored remain', needs, async (t) => {
  const busy = new ProblemError('engine-busy', 'The engine refused more work.', { retry_after_s: 5 });
  const before = async (query: number) => {
    if (query === 3) throw busy;
  };
  const { page, faults } = await openPage(t, browser, { engine: risingEngine({ before }) });
  await page.locator('#score').click();
  const problem = page.getByRole('alert');
  await problem.waitFor();
  t.match(await problem.innerText(), 'Score again in 5 seconds.');
  t.ok((await page.locator('#chart circle').count()) > 0, 'the scored prefixes are still drawn');
  t.equal(await page.locator('#result').isVisible(), false);
  t.ok(await page.locator('#score').isEnabled());
  t.strictSame(faults, []);
});

t.test('the Stop button aborts the engine call', needs, async (t) => {
  const engine = risingEngine({ before: (query) => (query > 0 ? new Promise(() => {}) : undefined) });
  const { page, faults } = await openPage(t, browser, { engine });
  await page.locator('#score').click();
  await page.locator('#chart circle').first().waitFor();
  await page.locator('#stop').click();
  await aborted((engine.calls[0] as (typeof engine.calls)[0]).request.signal);
  await page.getByText('Stopped.').waitFor();
  t.ok(await page.locator('#score').isEnabled());
  t.equal(await page.getByRole('alert').isVisible(), false);
  t.strictSame(faults, []);
});

t.test('if the service requires a key, the page asks for it and does not store it', needs, async (t) => {
  const key = 'key-of-ada-0123456789';
  const { page, faults } = await openPage(t, browser, { settings: { API_KEYS: `ada=${key}` } });
  await page.locator('#key').waitFor();
  t.match(await page.locator('#model').innerText(), 'requires an API key');
  await page.locator('#score').click();
  const problem = page.getByRole('alert');
  await problem.waitFor();
  t.match(await problem.innerText(), 'Enter your API key in the form');
  await page.locator('#key').fill(key);
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  await page.getByText('stub-model on stub 1').waitFor();
  t.match(await page.locator('#command').innerText(), '-H "Authorization: Bearer $TOPREWARD_API_KEY"');
  t.notOk((await page.content()).includes(key), 'the key is not in the page');
  const kept: string = await page.evaluate(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
  );
  t.notOk(kept.includes(key), 'the key is not stored by the browser');
  t.strictSame(faults, []);
});

t.test('the page shows the model when the engine becomes ready', needs, async (t) => {
  let ready = false;
  const fault = new ProblemError('engine-unavailable', 'The engine has not been probed.', { retry_after_s: 5 });
  const engine = risingEngine({ unready: () => (ready ? undefined : fault) });
  const { page, faults } = await openPage(t, browser, { engine });
  await page.getByText('The engine has not been probed.').waitFor();
  ready = true;
  await page.getByText('stub-model on stub 1').waitFor();
  t.strictSame(faults, []);
});
