import { readdir, readFile } from 'node:fs/promises';
import t from 'tap';
import { PROBLEMS } from '../../schemas/problem-kinds.ts';
import { Environment, loadConfig } from '../../src/config/config.ts';
import { createRecentFrameCache } from '../../src/frames/recent-frames.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { createFairQueue } from '../../src/limits/fair-queue.ts';
import { CALIBRATION_WARNINGS, WARNINGS } from '../../src/problems/warnings.ts';
import { problemsPage } from './problems-page.ts';

const document = (name: string) => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const names = (text: string) => [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);

t.test('docs/reference/configuration.md names every variable and its default', async (t) => {
  const text = await document('reference/configuration.md');
  t.same(names(text).sort(), Object.keys(Environment.properties).sort());
  // Their defaults depend on the machine.
  const machines = ['VIDEO_PROCESSES', 'RENDER_WORKERS', 'EMBEDDED_THREADS'];
  for (const [name, { default: value }] of Object.entries(
    Environment.properties as Record<string, { default?: unknown }>,
  )) {
    if (value === undefined || value === '' || machines.includes(name)) continue;
    t.match(text, new RegExp(`\\| \`${name}\` \\| ${String(value).replaceAll('.', '\\.')} \\|`), name);
  }
});

t.test('problems are in the order of their statuses, as the pages list them', async (t) => {
  const statuses = Object.values(PROBLEMS).map(({ status }) => status);
  t.strictSame(
    statuses,
    statuses.toSorted((a, b) => a - b),
  );
});

t.test('docs/reference/problems.md lists every problem: `npm run openapi` writes it', async (t) => {
  t.equal(await document('reference/problems.md'), problemsPage());
});

t.test('docs/reference/warnings.md names every warning and says what it means', async (t) => {
  const [episodes = '', calibrations = ''] = (await document('reference/warnings.md')).split('## In a calibration');
  for (const [text, warnings] of [
    [episodes, WARNINGS],
    [calibrations, CALIBRATION_WARNINGS],
  ] as const) {
    t.same(names(text).sort(), Object.keys(warnings).sort());
    for (const [code, title] of Object.entries(warnings)) t.ok(text.includes(`| \`${code}\` | ${title}`), code);
  }
});

t.test('docs/reference/metrics.md names every metric of the service, with its type and its labels', async (t) => {
  const text = await document('reference/metrics.md');
  const metrics = createMetrics(
    { admission: createFairQueue({}), 'frame-memory': createFairQueue({}) },
    createRecentFrameCache(0),
  );
  metrics.request('scoreEpisode', 200, 1);
  metrics.streamedProblem('deadline-exceeded');
  const { text: exposed } = await metrics.expose();
  const types = [...exposed.matchAll(/^# TYPE (\S+) (\S+)$/gm)] as unknown as [string, string, string][];
  for (const [, name, type] of types) {
    const labels = new RegExp(`^${name}(?:_bucket|_count|_sum)?\\{([^}]*)\\}`, 'm').exec(exposed)?.[1] ?? '';
    const named = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le');
    const row = `| \`${name}\` | ${type} | ${named.map((label) => `\`${label}\``).join(', ')}`;
    if (name.startsWith('topreward_')) t.ok(text.includes(row), row);
    else t.ok(text.includes(`| \`${name}\` | ${type} |`), name);
  }
  const own = types.map(([, name]) => name).filter((name) => name.startsWith('topreward_'));
  t.same(
    names(text)
      .filter((name) => name?.startsWith('topreward_'))
      .sort(),
    own.sort(),
  );
});

t.test('a wrong environment is refused with the name of what is wrong', async (t) => {
  t.throws(() => loadConfig({ PORT: 'eighty' }), /PORT/);
  t.throws(() => loadConfig({ MAX_FRAMES: '0', LOG_LEVEL: 'loud' }), /(?=.*MAX_FRAMES)(?=.*LOG_LEVEL)/s);
  t.throws(() => loadConfig({ ENGINE_URL: 'vllm' }), /ENGINE_URL/);
  t.throws(() => loadConfig({ API_KEYS: 'alice=short' }), /API_KEYS/);
  t.throws(() => loadConfig({ SUCCESS_THRESHOLD: '1' }), /SUCCESS_THRESHOLD/);
});

t.test('with ENGINE_URL the engine is a vLLM, otherwise the embedded one', async (t) => {
  t.equal(loadConfig({}).ENGINE, 'embedded');
  t.equal(loadConfig({ ENGINE_URL: 'http://gpu-box:8000' }).ENGINE, 'vllm');
  t.equal(loadConfig({ ENGINE: 'vllm' }).ENGINE, 'vllm');
  t.equal(loadConfig({ ENGINE: 'embedded', ENGINE_URL: 'http://gpu-box:8000' }).ENGINE, 'embedded');
  t.throws(() => loadConfig({ ENGINE: 'llama' }), /ENGINE/);
  t.match(loadConfig({}).MODEL_DIR, /^\/.*models\/topreward-pico$/, 'in every working directory');
  t.equal(loadConfig({ MODEL_DIR: '/elsewhere' }).MODEL_DIR, '/elsewhere');
});

t.test('the defaults: loopback, no key, no threshold', async (t) => {
  const config = loadConfig({});
  t.match(config, { HOST: '127.0.0.1', PORT: 8080 });
  t.equal(config.tenants.size, 0);
  t.equal(config.SUCCESS_THRESHOLD, undefined);
  t.ok(Object.isFrozen(config));
  t.not(config.SECRET, loadConfig({}).SECRET, 'each start has its own secret');
});

t.test('every Python example has under 150 lines', async (t) => {
  const folder = new URL('../../examples/python/', import.meta.url);
  const programs = (await readdir(folder)).filter((name) => name.endsWith('.py'));
  t.ok(programs.length >= 1, `${programs}`);
  for (const name of programs) {
    const lines = (await readFile(new URL(name, folder), 'utf8')).trimEnd().split('\n').length;
    t.ok(lines < 150, `${name}: ${lines} lines`);
  }
});
