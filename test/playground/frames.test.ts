import type { Page } from 'playwright-core';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { frameFile, turnedJpeg } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { drawn, openPage, risingEngine, startBrowser } from './support.ts';
import { webmOf } from './webm.ts';

const needs = needing('chromium');

const browser = startBrowser(t);

interface NamedFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** Drops files on the page with the events of a mouse. */
async function drop(page: Page, files: NamedFile[]): Promise<void> {
  const sent = files.map(({ buffer, ...rest }) => ({ ...rest, base64: buffer.toString('base64') }));
  await page.evaluate(`{
    const transfer = new DataTransfer();
    for (const { name, mimeType, base64 } of ${JSON.stringify(sent)}) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: mimeType }));
    }
    for (const type of ['dragover', 'drop']) {
      const event = new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
      document.querySelector('#strip').dispatchEvent(event);
      if (!event.defaultPrevented) throw new Error(type + ' would open the files');
    }
  }`);
}

const grey = async (level: number): Promise<Buffer> => {
  const background = { r: level, g: level, b: level };
  return sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer();
};

/** The grey levels that reached the engine, by frame number. */
function levels(engine: ReturnType<typeof risingEngine>): [number, number][] {
  const pixels = engine.calls.at(-1)?.pixels ?? new Map<number, Buffer>();
  return [...pixels].map(([frame, rgb]) => [frame, rgb[rgb.length / 2] as number]);
}

function near(t: Test, seen: [number, number][], expected: [number, number][]): void {
  t.strictSame(
    seen.map(([frame]) => frame),
    expected.map(([frame]) => frame),
  );
  for (const [i, [frame, level]] of expected.entries()) {
    const found = seen[i]?.[1] ?? Number.NaN;
    t.ok(Math.abs(found - level) <= 6, `frame ${frame} is ${found}, expected ${level}`);
  }
}

t.test('dropped images are sorted by name and need fps', needs, async (t) => {
  const engine = risingEngine();
  const { page, faults } = await openPage(t, browser, { engine });
  const names = ['shot 10.png', 'shot 9.png', 'shot 1.png', 'notes.txt'];
  const files = await Promise.all(
    names.map(async (name, i) => ({
      name,
      mimeType: name.endsWith('.png') ? 'image/png' : 'text/plain',
      buffer: await grey(50 * (i + 1)),
    })),
  );
  await drop(page, files);
  await page.getByText('3 frames', { exact: true }).waitFor();
  t.equal(await page.locator('#fps').inputValue(), '', 'the fps of the earlier episode is cleared');
  t.equal(await page.locator('#instruction').inputValue(), '', 'the instruction of the earlier episode is cleared');
  t.equal(await page.locator('#recordings :checked').count(), 0);
  await page.locator('#instruction').fill('Turn <b>grey</b><img src=x onerror=alert(1)>');
  await page.locator('#score').click();
  t.equal(engine.calls.length, 0, 'nothing is sent without fps');
  await page.locator('#fps').fill('2');
  await page.locator('#score').click();
  await page.locator('#result').waitFor();
  near(t, levels(engine), [
    [0, 150],
    [1, 100],
    [2, 50],
  ]);
  t.equal(engine.calls[0]?.request.instruction, 'Turn <b>grey</b><img src=x onerror=alert(1)>');
  await drawn(page);
  t.equal(await page.locator('#chart circle').count(), 3);
  t.strictSame(faults, []);
});

t.test('a damaged frame is marked and named in the problem', needs, async (t) => {
  const { page, faults } = await openPage(t, browser);
  const good = await frameFile('jpeg');
  const files = [good, good.subarray(0, good.length / 2), turnedJpeg(good, 6)];
  await page
    .locator('#files')
    .setInputFiles(files.map((buffer, i) => ({ name: `${i}.jpg`, mimeType: 'image/jpeg', buffer })));
  await page.getByText('3 frames', { exact: true }).waitFor();
  await page.locator('#instruction').fill('Open it.');
  await page.locator('#fps').fill('2');
  await page.locator('#score').click();
  await page.getByRole('alert').waitFor();
  t.match(await page.getByRole('alert').innerText(), /Remove or replace frame 2 and score again/);
  t.equal(await page.locator('#strip-frames li.bad').innerText(), '2');
  t.strictSame(faults, []);
});

t.test('a file that is not an image or a video is refused', needs, async (t) => {
  const { page, faults } = await openPage(t, browser);
  await drop(page, [{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }]);
  await page.getByText('notes.txt is not an image or video that this page can read.').waitFor();
  t.equal(await page.locator('#score').isEnabled(), false);
  await page.locator('#recordings input').last().check({ force: true });
  await page.locator('#score:enabled').waitFor();
  t.equal(await page.getByRole('alert').isVisible(), false, 'the message disappears after a valid choice');
  t.strictSame(faults, []);
});

// One frame every 0.25 s, each of a different grey.
const GREYS = [20, 50, 80, 110, 140, 170, 200, 230];

for (const saysDuration of [true, false]) {
  t.test(
    `a dropped video ${saysDuration ? 'with' : 'without'} a duration in its header is scored`,
    needs,
    async (t) => {
      const engine = risingEngine();
      const { page, faults } = await openPage(t, browser, { engine });
      const buffer = await webmOf(GREYS, 4, saysDuration);
      await drop(page, [{ name: 'clip.webm', mimeType: 'video/webm', buffer }]);
      const count = saysDuration ? 8 : 7;
      await page.getByText(`${count} frames · `).waitFor();
      t.equal(await page.locator('#fps').inputValue(), '4');
      t.match(await page.locator('#fps-note').innerText(), 'extracts frames from the video at this rate');
      await page.locator('#instruction').fill('Turn white.');
      await page.locator('#score').click();
      await page.locator('#result').waitFor();
      near(t, levels(engine), [
        [0, 20],
        [2, 80],
        [4, 140],
        [6, 200],
      ]);

      await page.locator('#fps').fill('2');
      await page.locator('#fps').blur();
      await page.getByText('4 frames · ').waitFor();
      await page.locator('#score:enabled').click();
      await page.locator('#result').waitFor();
      near(t, levels(engine), [
        [0, 20],
        [1, 80],
        [2, 140],
        [3, 200],
      ]);
      t.strictSame(faults, []);
    },
  );
}

t.test('a broken video and a video with too many frames are refused', needs, async (t) => {
  const { page, faults } = await openPage(t, browser);
  await drop(page, [{ name: 'broken.mp4', mimeType: 'video/mp4', buffer: Buffer.from('no video at all') }]);
  await page.getByText('This browser cannot play broken.mp4.').waitFor();
  await drop(page, [{ name: 'clip.webm', mimeType: 'video/webm', buffer: await webmOf(GREYS, 4) }]);
  await page.locator('#score:enabled').waitFor();
  await page.locator('#fps').fill('1000');
  await page.locator('#fps').blur();
  await page
    .getByText(
      'At this rate the video has 2000 frames, and this page accepts at most 400. Set frames per second to 200',
    )
    .waitFor();
  t.equal(await page.locator('#score').isEnabled(), false);
  t.strictSame(faults, []);
});
