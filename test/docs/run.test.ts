import { basename } from 'node:path';
import t from 'tap';
import { needing } from '../support/needs.ts';
import { scriptOf } from './blocks.ts';
import { pagesWithBlocks, readPage } from './markdown.ts';
import { startSession } from './session.ts';

// The code blocks of README.md and of the documentation do what the pages say. PAGES=docs/a.md,docs/b.md chooses pages.

const needs = needing('curl', 'ffmpeg', 'examples/python');
t.setTimeout(600_000);

const chosen = process.env['PAGES']?.split(',');
for (const file of chosen ?? pagesWithBlocks()) {
  const { steps } = scriptOf(readPage(file));
  if (!steps.some(({ does }) => does === 'run')) continue;
  t.test(file, { ...needs, timeout: 300_000 }, async (t) => {
    const perform = await startSession(t, basename(file));
    for (const step of steps) {
      const fault = await perform(step);
      if (fault) t.fail(`${file}:${step.line}: ${fault.wrong}`, { diagnostic: true, printed: fault.printed });
      // Later blocks build on this one.
      if (fault && step.does !== 'compare') return;
    }
    t.pass(`${steps.length} steps`);
  });
}
