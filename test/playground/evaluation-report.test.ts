import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { needing } from '../support/needs.ts';
import { ROOT } from '../support/server.ts';
import { isAccessible, startBrowser } from './support.ts';

/** A report of `topreward evaluate`: examples/reports/metaworld/README.md says how it was made. */
const REPORT = pathToFileURL(join(ROOT, 'examples/reports/metaworld/report.html')).href;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = { phone: 390, desktop: 1280 };
const needs = needing('chromium');
const browser = startBrowser(t);
t.setTimeout(120_000);

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [name, width] of Object.entries(WIDTHS)) {
    t.test(`an evaluation's report, ${colorScheme}, ${name}`, needs, async (t) => {
      const context = await (await browser()).newContext({ viewport: { width, height: 850 }, colorScheme });
      t.teardown(() => context.close());
      await context.addInitScript(AXE);
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('console', (message) => faults.push(message.text()));
      page.on('request', (request) => request.url() !== REPORT && faults.push(`request to ${request.url()}`));
      await page.goto(REPORT);
      await isAccessible(t, page, 'rules of axe');
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, 'only tables scroll sideways');
      t.equal(await page.evaluate('document.scripts.length'), 0, 'there is no script');
      t.strictSame(faults, [], 'it loads nothing and reports nothing');
    });
  }
}
