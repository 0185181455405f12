import { globSync } from 'node:fs';
import t from 'tap';
import { SUITES } from './suites.ts';

t.test('every test file belongs to a suite', async (t) => {
  const inSuites = new Set(Object.values(SUITES).flatMap(({ files }) => globSync(files)));
  t.same(
    globSync('test/**/*.test.ts').filter((file) => !inSuites.has(file)),
    [],
  );
});

t.test('every pattern of the fast suites matches files', async (t) => {
  for (const name of ['test', 'quick'])
    for (const pattern of SUITES[name]?.files ?? []) t.ok(globSync(pattern).length > 0, pattern);
});
