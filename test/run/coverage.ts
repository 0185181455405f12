import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { percent, readCoverage, reportLines } from './coverage-report.ts';

// node test/run/coverage.ts [SUITE | FILE…]: runs the tests of `npm test`, or others, and reports which lines of src they executed,
// in every process and thread. The exit code is 1 if a test failed, or if fewer lines than LEAST_PERCENT were executed.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LEAST_PERCENT = 90;
/** How many files are listed. */
const GAPS = 20;

const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
try {
  // Code from the compile cache has no exact counts.
  const env = { ...process.env, NODE_V8_COVERAGE: folder, NODE_DISABLE_COMPILE_CACHE: '1' };
  const args = ['test/run/run.ts', ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  const files = readCoverage(folder, ROOT);
  console.log('\nLines that were not executed:');
  for (const line of reportLines(files, GAPS)) console.log(line);
  const isEnough = percent(files) >= LEAST_PERCENT;
  if (!isEnough) console.log(`At least ${LEAST_PERCENT} % are required.`);
  process.exitCode = status === 0 && isEnough ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
