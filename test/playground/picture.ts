/**
 * Makes docs/public/playground.png, the screenshot of the playground in the README: the recorded success, scored by
 * the bundled model. Run it from the root of the repository: `node test/playground/picture.ts`.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { chromium as playwright } from 'playwright-core';
import sharp from 'sharp';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createEngine } from '../../src/engines/create-engine.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { chromium } from '../support/needs.ts';

const FILE = fileURLToPath(new URL('../../docs/public/playground.png', import.meta.url));
/** High enough for the page to show the curve, the verdict and the numbers without scrolling. */
const VIEWPORT = { width: 1280, height: 1100 };
/** Space below the numbers, in pixels. */
const MARGIN = 14;
const COLOURS = 128;

const config = loadConfig({ ENGINE: 'embedded' });
const app = await buildApp(config, await createEngine(config, pino({ level: 'warn' }), TOPREWARD));
const address = await app.listen({ host: '127.0.0.1', port: 0 });
while ((await app.inject('/health/ready')).statusCode !== 200) await new Promise((resolve) => setTimeout(resolve, 200));

// Chromium's own sandbox does not start as root, and containers run as root.
const browser = await playwright.launch({ executablePath: chromium() as string, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: VIEWPORT, reducedMotion: 'reduce', colorScheme: 'light' });
await page.goto(address);
await page.locator('#score:enabled').waitFor();
// The failure comes first: the first request to the engine takes longer than later ones.
for (const recording of ['failure', 'success']) {
  await page.locator(`#recordings input[value$="${recording}"]`).check({ force: true });
  await page.locator('#score:enabled').click();
  await page.locator('#result').waitFor();
}
// Without this, the button would have its hover colour.
await page.mouse.move(0, 0);
const numbers = await page.locator('#numbers').boundingBox();
const bottom = Math.ceil((numbers?.y ?? 0) + (numbers?.height ?? 0) + MARGIN);
const screenshot = await page.screenshot({ clip: { x: 0, y: 0, width: VIEWPORT.width, height: bottom } });
await browser.close();
await app.close();

await mkdir(dirname(FILE), { recursive: true });
const { width, height, size } = await sharp(screenshot)
  .png({ palette: true, colours: COLOURS, effort: 10 })
  .toFile(FILE);
console.log(`${FILE}: ${width} × ${height}, ${Math.round(size / 1000)} kB`);
