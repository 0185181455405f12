import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isNeed, type Need } from '../support/needs.ts';
import { provide } from './provide.ts';
import { closingLine, count, linesOf, namesOf } from './report.ts';
import { type FileReport, runFile } from './run-file.ts';
import { JOBS, SUITES, type Suite } from './suites.ts';

// node test/run/run.ts [SUITE | FILE…]: runs test suites, as `npm test` and similar scripts do. With CI=true a skipped test
// counts as a failure.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const isCi = process.env['CI'] === 'true';
const say = (line: string) => console.log(line);

/** The suite with this name, or a suite of the named files. Without a name it is the suite `test`. */
function suiteOf(names: string[]): Suite {
  const [name = 'test', ...others] = names;
  const suite = SUITES[name];
  return suite && others.length === 0 ? suite : { files: names };
}

/** The needs of the tests in a file, read from its source. */
function needsOf(file: string): Need[] {
  const calls = [...readFileSync(file, 'utf8').matchAll(/\bneeding\(([^)]*)\)/g)];
  return calls.flatMap(([, list = '']) => [...list.matchAll(/'([^']*)'/g)].map(([, name = '']) => name)).filter(isNeed);
}

/** Runs files, several at once. */
async function runAll(files: string[], { jobs = JOBS, timeoutS = 300, comments = false }: Suite) {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const waiting = files.values();
  const reports: FileReport[] = [];
  const work = async () => {
    for (const file of waiting) {
      if (interrupted.signal.aborted) return;
      const report = await runFile(file, timeoutS, interrupted.signal);
      for (const line of linesOf(report, comments)) say(line);
      reports.push(report);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (interrupted.signal.aborted) process.exit(130);
  return reports;
}

process.chdir(ROOT);
// Node caches compiled code here: a small test file spends most of its time on loading modules.
process.env['NODE_COMPILE_CACHE'] ??= join(ROOT, '.cache/compiled');
const suite = suiteOf(parseArgs({ allowPositionals: true }).positionals);
const files = [...new Set(suite.files.flatMap((pattern) => globSync(pattern)))].filter(
  (file) => !suite.except?.includes(file),
);
if (files.length === 0) throw new Error(`No test file matches ${suite.files.join(' ')}`);

const lack = provide(files.flatMap(needsOf), say);
if (lack) say(`Missing: ${lack.needs.join(', ')}. To run all tests, install them with: ${lack.command}`);
if (lack && isCi) process.exit(1);

const reports = await runAll(files, suite);
const counts = count(reports);
for (const line of namesOf(reports)) say(line);
say(closingLine(counts));
process.exitCode = counts.failed > 0 || (isCi && counts.skipped > 0) ? 1 : 0;
