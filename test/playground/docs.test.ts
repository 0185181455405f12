import type { Locator } from 'playwright-core';
import t, { type Test } from 'tap';
import type { BatchEvent } from '../../schemas/batch.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { buildTestApp, EPISODE, listen } from '../http/support.ts';
import { episodePixels, frameFiles, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { startBrowser } from './support.ts';

const needs = needing('chromium');
const browser = startBrowser(t);
const COUNT = 3;
const frames = await frameFiles(COUNT);
const npyOf = (count: number) => npyFile(episodePixels(count), { shape: [count, HEIGHT, WIDTH, 3] });

t.setTimeout(120_000);
const docs = `http://127.0.0.1:${await listen(await buildTestApp(t))}/docs`;

/** An operation's multipart form, as it is when it is opened. */
interface Form {
  /** What belongs to a part of the form. */
  field(name: string): Locator;
  /** Puts files into rows of a part, each row added for it. */
  addFiles(name: string, files: Buffer[]): Promise<void>;
  /** Sends the form. */
  execute(): Promise<{ status: number; body: string }>;
}

async function openForm(operation: string): Promise<Form> {
  const context = await (await browser()).newContext({ viewport: { width: 1440, height: 900 } });
  // Before the service closes, which would wait for the browser's idle connections.
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(docs);
  const block = page.locator(`#operations-rewards-${operation}`);
  await block.locator('.opblock-summary-control').click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  await block.getByLabel('Request content type').selectOption('multipart/form-data');
  const field = (name: string) => block.locator(`[data-property-name="${name}"]`);
  return {
    field,
    async addFiles(name, files) {
      for (const [row, buffer] of files.entries()) {
        await field(name).getByRole('button', { name: 'Add' }).click();
        await chooseFile(field(name).locator('input[type=file]').nth(row), buffer);
      }
    },
    async execute() {
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === 'POST'),
        block.getByRole('button', { name: 'Execute' }).click(),
      ]);
      return { status: answer.status(), body: await answer.text() };
    },
  };
}

const chooseFile = (input: Locator, buffer: Buffer) =>
  input.setInputFiles({ name: 'file', mimeType: 'application/octet-stream', buffer });

function lengthOf(t: Test, { status, body }: { status: number; body: string }): number | undefined {
  t.equal(status, 200, status === 200 ? 'scored' : body);
  return (JSON.parse(body) as RewardResult).prefixes.at(-1)?.length;
}

t.test('Swagger UI scores frames that were chosen in its form, other fields left as they are', needs, async (t) => {
  const form = await openForm('scoreEpisode');
  await form.addFiles('frames', frames);
  t.equal(lengthOf(t, await form.execute()), COUNT);
  await form.field('frames').getByRole('button', { name: 'Add' }).click();
  const { status, body } = await form.execute();
  t.match({ status, ...JSON.parse(body) }, { status: 422, code: 'not-an-image', frame: COUNT }, 'a row left empty');
});

t.test('Swagger UI scores a .npy that was chosen in its form', needs, async (t) => {
  const form = await openForm('scoreEpisode');
  await chooseFile(form.field('npy').locator('input[type=file]'), npyOf(4));
  t.equal(lengthOf(t, await form.execute()), 4);
});

t.test('Swagger UI scores a batch', needs, async (t) => {
  const form = await openForm('scoreBatch');
  const items = [{ episode: EPISODE, frame_count: 2 }, { episode: EPISODE }, { episode: EPISODE, frame_count: 1 }];
  await form.field('batch').locator('textarea').fill(JSON.stringify({ items }));
  await form.addFiles('frames', frames);
  await form.addFiles('npy', [npyOf(4)]);
  const { status, body } = await form.execute();
  t.equal(status, 200, status === 200 ? 'scored' : body);
  const events: BatchEvent[] = body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const lengths = events.flatMap((event) =>
    event.event === 'result' ? [[event.index, event.result.prefixes.at(-1)?.length]] : [],
  );
  t.strictSame(lengths.sort(), [
    [0, 2],
    [1, 4],
    [2, 1],
  ]);
});
