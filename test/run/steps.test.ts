import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { closingLine, readClosingLine } from './report.ts';
import { CI, HEAVY, sum } from './steps.ts';

const root = new URL('../../', import.meta.url);

t.test('every step names scripts that exist', async (t) => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { scripts: object };
  for (const step of [...CI, ...HEAVY]) {
    const [, script] = /npm (?:run )?(\S+)$/.exec(step) ?? [];
    if (script) t.ok(script in scripts, `npm run ${script}`);
    for (const [file] of step.matchAll(/\btest\/\S+\.sh\b/g)) t.ok(existsSync(new URL(file, root)), file);
    t.ok(script ?? step.includes('.sh'), step);
  }
});

t.test('the closing line can be read back, and counts are summed', async (t) => {
  const counts = { passed: 12, failed: 0, skipped: 3 };
  t.equal(closingLine(counts), '12 passed, 0 failed, 3 skipped');
  t.same(readClosingLine(closingLine(counts)), counts);
  t.equal(readClosingLine('say: 12 passed, 0 failed, 3 skipped'), undefined);
  t.same(sum([counts, { passed: 1, failed: 2, skipped: 0 }]), { passed: 13, failed: 2, skipped: 3 });
});
