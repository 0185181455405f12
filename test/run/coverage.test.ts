import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codeLines, percent, readCoverage, reportLines } from './coverage-report.ts';

/** A program that runs one file in its own thread, one in a worker thread and one in a child process. */
const SOURCES = {
  'main.ts': `import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { twice } from './both.ts';

await once(new Worker(new URL('./worker.ts', import.meta.url)), 'exit');
execFileSync(process.execPath, [new URL('./child.ts', import.meta.url).pathname]);
twice(1);
`,
  'both.ts': `/** Doubles a number. */
export function twice(number: number): number {
  if (number === 1) return 2;
  if (number === 2) {
    return 4;
  }
  return number * 2;
}
`,
  'worker.ts': `import { twice } from './both.ts';
twice(2);
`,
  'child.ts': 'globalThis.child = true;\n',
  'unused.ts': 'export const unused = 1;\nexport const neither = 2;\n',
  'types.ts': 'export interface Shape {\n  side: number;\n}\n',
};

t.test('processes, threads and files that nobody loads are counted', async (t) => {
  const root = realpathSync(t.testdir({ src: SOURCES, counts: {} }));
  const folder = join(root, 'counts');
  const env = { ...process.env, NODE_V8_COVERAGE: folder, NODE_DISABLE_COMPILE_CACHE: '1' };
  execFileSync(process.execPath, [join(root, 'src/main.ts')], { env });
  const files = readCoverage(folder, root);
  t.strictSame(Object.fromEntries(files.map(({ file, lines, missed }) => [file, [lines, missed]])), {
    'src/main.ts': [3, []],
    'src/both.ts': [5, [7]],
    'src/worker.ts': [1, []],
    'src/child.ts': [1, []],
    'src/unused.ts': [2, [1, 2]],
  });
  t.equal(percent(files), 75);
  t.match(reportLines(files, 1), [
    /^ {3}2 of 2 {2}src\/unused\.ts: 1-2$/,
    'and fewer lines in 1 other files',
    /^75\.0 % of the lines of src were executed: 9 of 12; \d+ of \d+ branches$/,
  ]);
});

t.test('comments, types, imports and brackets are not lines of code', async (t) => {
  const source = `import { a } from './a.ts';
import type { B } from './b.ts';

// A comment.
export type C = {
  c: B;
};
export const d = [
  a,
  1,
] as C[];
export function e<T>(
  one: T,
  other: Array<
    T
  >,
): T {
  if (one) return one;
  else {
    return other;
  }
}
`;
  t.strictSame([...codeLines(source)], [8, 9, 10, 12, 13, 14, 18, 20]);
});
