import t, { type Test } from 'tap';
import type { RewardResult } from '../../schemas/reward.ts';
import { needing } from '../support/needs.ts';
import { post, recorded } from '../support/recorded.ts';
import { startServer } from '../support/server.ts';
import { rawClient } from '../support/sockets.ts';
import { type Link, linkTo, occurrences } from './link.ts';
import { gauge, type Run, runPython, startPython, until } from './support.ts';

const needs = needing('examples/python');

t.setTimeout(120_000);

const PROGRAM = ['-m', 'topreward', 'upload'];
const NAME = 'drawer-open-v3-success';
const FOLDER = `examples/episodes/${NAME}`;
const { files, fps, instruction } = await recorded(NAME);
// At 4 fps every second frame is sampled.
const shown = files.filter((_, index) => index % 2 === 0);
const hidden = files.filter((_, index) => index % 2 === 1);
/** A file has arrived when the boundary after its part has arrived. */
const BORDER_BYTES = 64;

const resultOf = (run: Run): RewardResult => {
  if (run.code !== 0) throw new Error(`exit code ${run.code}: ${run.stderr}`);
  return JSON.parse(run.stdout);
};
const curve = ({ prefixes }: RewardResult) => prefixes.map(({ log_prob_true }) => log_prob_true);
const progressOf = ({ prefixes }: RewardResult) => prefixes.map(({ progress }) => progress ?? Number.NaN);
const furthest = (one: number[], other: number[]) =>
  one.length === other.length ? Math.max(...one.map((value, i) => Math.abs(value - (other[i] as number)))) : Number.NaN;
const sentOnce = (t: Test, { upstream }: Link) => {
  const bytes = upstream();
  const times = (some: Buffer[]) => some.map((file) => occurrences(file, bytes));
  t.strictSame([...new Set(times(shown))], [1], 'every sampled frame was sent once');
  t.strictSame([...new Set(times(hidden))], [0], 'no other frame was sent');
};

t.test(
  'if the link breaks in the middle of a frame, only this frame is sent again, and the result is the same',
  needs,
  async (t) => {
    const [{ address }, { address: other }] = await Promise.all([startServer(t), startServer(t)]);
    const calm = await linkTo(t, other);
    const calmRun = await runPython(t, ...PROGRAM, FOLDER, '--url', calm.address);
    const undisturbed = resultOf(calmRun);
    sentOnce(t, calm);
    const told = undisturbed.warnings.map(({ code, message }) => `warning ${code}: ${message}`);
    t.match(told.join(), 'warning unfinished-episode: ');
    t.strictSame(
      calmRun.stderr.split('\n').filter((line) => line.startsWith('warning')),
      told,
    );
    const arrivedIn = (bytes: Buffer) => shown.filter((file) => bytes.subarray(0, -BORDER_BYTES).includes(file));
    const link = await linkTo(t, address, {
      at: 150_000,
      async mended(bytes) {
        const arrived = arrivedIn(bytes);
        t.ok(arrived.length > 1, `${arrived.length} frames have arrived`);
        const held = arrived.reduce((sum, { length }) => sum + length + 1024, 0);
        await until(async () => (await gauge(address, 'topreward_recent_frame_bytes_held')) === held);
      },
    });
    const run = await runPython(t, ...PROGRAM, FOLDER, '--url', link.address);

    t.ok(link.broken());
    t.match(run.stderr, /the connection failed .*; retry in/);
    t.strictSame(resultOf(run).success, undisturbed.success);
    t.ok(furthest(curve(resultOf(run)), curve(undisturbed)) <= 1e-4);
    const { body: whole } = await post(other, files, { instruction, fps });
    t.ok(furthest(curve(undisturbed), curve(whole)) <= 1e-4, 'the result equals that of one request with all frames');
    t.equal(whole.progress_scale.scale, 'episode');
    t.strictSame(undisturbed.progress_scale, whole.progress_scale);
    t.ok(furthest(progressOf(undisturbed), progressOf(whole)) <= 1e-4, 'progress is equal too');
    t.equal(undisturbed.progress_curve?.length, files.length);
    sentOnce(t, link);
    t.ok(link.taken() < 2 * calm.taken(), `${link.taken()} bytes, without interruption ${calm.taken()}`);
  },
);

t.test('if all frames have arrived, a restarted uploader sends only digests', needs, async (t) => {
  const { address } = await startServer(t);
  const first = resultOf(await runPython(t, ...PROGRAM, FOLDER, '--url', address));
  const link = await linkTo(t, address);
  const second = resultOf(await runPython(t, ...PROGRAM, FOLDER, '--url', link.address));
  t.strictSame(curve(second), curve(first));
  t.equal(files.filter((file) => occurrences(file, link.upstream()) > 0).length, 0);
});

t.test(
  'a calibration sets the bounds of progress and the threshold; without bounds, progress is min-max',
  needs,
  async (t) => {
    const { address } = await startServer(t);
    const calibration = {
      ...{ threshold: -0.5, best: null, precise: null, auc: null, warnings: [] },
      counts: { episodes: 0, successes: 0, failures: 0, ranges: 0 },
    };
    const bounds = { low: -4, high: -1 };
    const folder = t.testdir({
      'with.json': JSON.stringify({ ...calibration, bounds }),
      'corrected.json': JSON.stringify({
        ...calibration,
        curve: 'corrected',
        threshold: 1.5,
        bounds: { low: 0, high: 3 },
      }),
      'without.json': JSON.stringify({ ...calibration, bounds: null }),
    });
    const run = async (name: string) =>
      resultOf(await runPython(t, ...PROGRAM, FOLDER, '--url', address, '--calibration', `${folder}/${name}`));
    const bounded = await run('with.json');
    t.match(bounded.progress_scale, { scale: 'bounds', bounds: { ...bounds, source: 'calibration' } });
    t.match(bounded.success, { threshold: -0.5, threshold_source: 'calibration' });
    const byHand = curve(bounded).map((value) => Math.min(1, Math.max(0, (value + 4) / 3)));
    t.ok(furthest(progressOf(bounded), byHand) <= 1e-9);
    const corrected = await run('corrected.json');
    t.match(corrected.success, { flag: true, threshold: 1.5, curve: 'corrected' });
    t.match(corrected.progress_scale, { scale: 'episode' });
    const minMax = await run('without.json');
    t.match(minMax, { progress_scale: { scale: 'episode' }, success: { threshold_source: 'calibration' } });
    t.strictSame([progressOf(minMax)[0], progressOf(minMax).at(-1)], [0, 1]);
  },
);

t.test('if the service keeps no frames, the uploader sends all frames in one request', needs, async (t) => {
  const { address } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0', RECENT_FRAMES_BYTES: '0' });
  const { body: whole } = await post(address, files, { instruction, fps });
  const answer = resultOf(await runPython(t, ...PROGRAM, FOLDER, '--url', address));
  t.ok(furthest(curve(answer), curve(whole)) <= 1e-4);
});

t.test('if the service is busy, the uploader waits for at least Retry-After', needs, async (t) => {
  const { address } = await startServer(t, { MAX_ACTIVE: '1', MAX_WAITING: '0' });
  const holder = await rawClient(t, Number(new URL(address).port));
  holder.post(1_000);
  await until(async () => (await gauge(address, 'topreward_episodes_active')) === 1);
  const running = startPython(t, [...PROGRAM, FOLDER, '--url', address], (line) => {
    if (line.startsWith('503')) holder.socket.destroy();
  });
  const run = await running.ended;
  const pause = Number(/^503 server-busy; retry in (\S+) s$/m.exec(run.stderr)?.[1]);
  t.ok(pause >= 2, `the service's Retry-After is 2, the pause ${pause} s`);
  t.equal(resultOf(run).prefixes.length, 15);
});

t.test('the exit code says whether a retry can help', needs, async (t) => {
  const { address, process: service } = await startServer(t);
  const refused = await runPython(t, ...PROGRAM, FOLDER, '--url', address, '--instruction', ' ');
  t.match(refused, { code: 3, stdout: '', stderr: /^missing-instruction: /m });
  const empty = await runPython(t, ...PROGRAM, t.testdir({}), '--url', address);
  t.match(empty, { code: 3, stdout: '', stderr: /no \.jpg files/ });
  service.kill('SIGKILL');
  const gone = await runPython(t, ...PROGRAM, FOLDER, '--url', address, '--patience', '1');
  t.match(gone, { code: 1, stdout: '', stderr: /^No result from http\S+ in 1 s/m });
});

t.test('if every episode would be rejected, the exit code is 2, so that a loop can stop', needs, async (t) => {
  const [key, wrong] = ['0123456789abcdef', 'fedcba9876543210'];
  const { address } = await startServer(t, { API_KEYS: `lab=${key}`, ALLOWED_HOSTS: 'rewards.example.com' });
  const run = (env: Record<string, string>, ...options: string[]) =>
    startPython(t, [...PROGRAM, FOLDER, '--url', address, ...options], undefined, { TOPREWARD_API_KEY: '', ...env })
      .ended;
  const stops = async (stderr: RegExp, ...options: string[]) =>
    t.match(await run({ TOPREWARD_API_KEY: key }, ...options), { code: 2, stdout: '', stderr });

  t.match(await run({}), { code: 2, stderr: /^unauthorized: /m }, 'no key');
  t.match(
    await run({ TOPREWARD_API_KEY: wrong }),
    { code: 2, stderr: /^unauthorized: /m },
    'a wrong key in the environment',
  );
  for (let guess = 0; guess < 20; guess += 1)
    await fetch(`${address}/v1/model`, { headers: { authorization: `Bearer ${wrong}` } });
  t.equal((await run({ TOPREWARD_API_KEY: key })).code, 0, 'the key in the environment');
  await stops(/^too-many-wrong-keys: (?!.*retry in)/ms, '--key', wrong);
  await stops(/^not-found: /m, '--url', `${address}/v1`);
  await stops(/^url must start with "http:\/\/" or "https:\/\/"/m, '--url', '127.0.0.1:8080');
  await stops(/^usage: .*--prefixes/s, '--prefixes', 'many');
  await stops(/--calibration: .*missing\.json/, '--calibration', 'missing.json');
  const calibration = {
    ...{ model: 'another', threshold: -0.5, bounds: null, best: null, precise: null, auc: null, warnings: [] },
    counts: { episodes: 0, successes: 0, failures: 0, ranges: 0 },
  };
  const folder = t.testdir({ 'another.json': JSON.stringify(calibration) });
  await stops(/^calibration-mismatch: /m, '--calibration', `${folder}/another.json`);
  // The service plays the proxy here, so it receives a host name that it does not know.
  const other = await run(
    { TOPREWARD_API_KEY: key, http_proxy: address, no_proxy: '' },
    '--url',
    'http://other.example.org',
  );
  t.match(other, { code: 2, stderr: /^forbidden-host: /m });
});
