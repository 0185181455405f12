import { execFile } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runFile } from './run-file.ts';

const RUN = new URL('./run.ts', import.meta.url).pathname;
const TAP = "import t from 'tap';\n";
/** Source of a test that needs curl. */
const NEEDY = `${TAP}import { needing } from '${new URL('../support/needs.ts', import.meta.url)}';
t.test('asks', needing('curl'), async (t) => t.pass());
`;
const ORDINARY_USER = '--import=data:text/javascript,process.getuid=()=>1000';

interface Machine {
  /** The only programs on PATH. */
  programs: Record<string, string>;
  env?: Record<string, string>;
}

/** Runs test files with the given sources, as `npm test` does. */
async function run(t: Test, sources: string[], { programs, env = {} }: Machine = { programs: {} }) {
  const scripts = Object.entries(programs).map(([name, lines]) => [name, `#!/bin/sh\n${lines}\n`]);
  const tests = sources.map((source, i) => [`${i}.test.ts`, source]);
  const folder = t.testdir({ bin: Object.fromEntries(scripts), log: '', ...Object.fromEntries(tests) });
  const bin = join(folder, 'bin');
  for (const name of Object.keys(programs)) chmodSync(join(bin, name), 0o755);
  const files = tests.map(([name = '']) => join(folder, name));
  const all = { PATH: bin, BIN: bin, LOG: join(folder, 'log'), ...env };
  const { code, lines } = await new Promise<{ code: number; lines: string[] }>((resolve) => {
    execFile(process.execPath, [RUN, ...files], { env: all }, (error, stdout) =>
      resolve({
        code: error ? Number(error.code) : 0,
        lines: stdout.trimEnd().replaceAll(`${folder}/`, '').split('\n'),
      }),
    );
  });
  return { code, lines, log: readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n') };
}

/** An apt-get that logs its arguments and, for `install`, installs a curl. */
const APT = `echo "$@" >>"$LOG"
[ "$1" = install ] || exit 0
printf '#!/bin/sh\\n' >"$BIN/curl"
/bin/chmod +x "$BIN/curl"`;
const TYPED = 'apt-get install -y -qq --no-install-recommends curl';

t.test('passed, failed and skipped tests are counted, and failed and skipped ones are named', async (t) => {
  const mixed = `${TAP}
t.test('good', async (t) => { t.ok(1); t.ok(2); });
t.test('bad', async (t) => t.equal(1, 2, 'one is two'));
t.test('left out', { skip: 'no time' }, async () => {});
t.test('holds one', async (t) => { await t.test('inner', { skip: true }, async () => {}); });`;
  const { code, lines } = await run(t, [mixed, 'throw new Error("broken");', '']);
  t.equal(code, 1);
  t.equal(lines.at(-1), '2 passed, 3 failed, 2 skipped');
  const names = lines.filter((line) => /^(failed|skipped): /.test(line));
  t.same(names.sort(), [
    'failed: 0.test.ts: bad',
    'failed: 1.test.ts: exit code 1',
    'failed: 2.test.ts: the file has no tests',
    'skipped: 0.test.ts: inner',
    'skipped: 0.test.ts: left out (no time)',
  ]);
  for (const shown of [/not ok 1 - one is two/, /Error: broken/]) t.ok(lines.some((line) => shown.test(line)));
});

t.test('as root, missing needs are installed with apt-get, and nothing if all are there', async (t) => {
  const env = { NODE_OPTIONS: '--import=data:text/javascript,process.getuid=()=>0' };
  const bare = await run(t, [NEEDY], { programs: { 'apt-get': APT }, env });
  t.same(bare.log, ['update -qq', 'install -y -qq --no-install-recommends curl']);
  t.equal(bare.lines.at(-1), '1 passed, 0 failed, 0 skipped');
  const ready = await run(t, [NEEDY], { programs: { 'apt-get': APT, curl: '' }, env });
  t.same(ready.log, ['']);
  t.equal(ready.code, 0);
});

t.test('an ordinary user gets missing needs by sudo without a password, or one command to type', async (t) => {
  const env = { NODE_OPTIONS: ORDINARY_USER };
  const lent = await run(t, [NEEDY], { programs: { 'apt-get': APT, sudo: 'shift; exec "$@"', true: '' }, env });
  t.equal(lent.lines.at(-1), '1 passed, 0 failed, 0 skipped');
  const refused = await run(t, [NEEDY], { programs: { 'apt-get': APT, sudo: 'exit 1' }, env });
  t.same(refused.log, ['']);
  t.equal(refused.code, 0);
  t.equal(refused.lines.filter((line) => line.endsWith(`sudo apt-get update -qq && sudo ${TYPED}`)).length, 1);
  t.ok(refused.lines.includes('skipped: 0.test.ts: asks (needs curl)'));
  t.equal(refused.lines.at(-1), '0 passed, 0 failed, 1 skipped');
});

t.test('with CI=true a skipped test is a failure', async (t) => {
  const env = { NODE_OPTIONS: ORDINARY_USER, CI: 'true' };
  const refused = await run(t, [NEEDY], { programs: { 'apt-get': APT }, env });
  t.equal(refused.code, 1);
  t.match(refused.lines, [new RegExp(`${TYPED}$`)]);
  const skipped = `${TAP}t.test('left out', { skip: true }, async () => {});`;
  t.equal((await run(t, [skipped], { programs: {}, env })).code, 1);
});

t.test('a file that takes too long fails, and all its processes end', async (t) => {
  const folder = t.testdir({
    'slow.test.ts': `${TAP}import { spawn } from 'node:child_process';
t.test('slow', async () => {
  spawn('sleep', ['600'], { stdio: 'inherit' });
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});`,
  });
  // The child process inherits standard output, so `runFile` would wait for it if it went on.
  const { outcomes, seconds } = await runFile(join(folder, 'slow.test.ts'), 1, new AbortController().signal);
  t.ok(outcomes.some(({ is }) => is === 'failed'));
  t.ok(seconds < 100, `${seconds} s`);
});
