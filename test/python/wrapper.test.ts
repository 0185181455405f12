import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { sampleSchedule } from '../../src/episode/schedule.ts';
import { npyFile, testPixels } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { linkTo, occurrences } from './link.ts';
import { postNpy, runPython, startPython } from './support.ts';

const needs = needing('examples/python');

t.setTimeout(240_000);

const INSTRUCTION = 'Open the drawer.';
const [WIDTH, HEIGHT, COUNT] = [64, 48, 14];
/** At 5 fps the sampled frames are 0, 2, 5, 8, 10, …; while the episode grows, frame 7 is used until frame 8 arrives. */
const FPS = 5;
const pixels = Array.from({ length: COUNT }, (_, seed) => testPixels({ width: WIDTH, height: HEIGHT, seed }));
const film = (count: number) => npyFile(Buffer.concat(pixels.slice(0, count)), { shape: [count, HEIGHT, WIDTH, 3] });

/** One line of tiny.py for a step. NaN of Python is null. */
interface Line {
  reward: number | null;
  log_prob_true: number | null;
  env_reward?: number;
  asked: boolean;
  reward_missing: boolean;
  reward_warnings: { code: string; message: string }[];
}

/** Runs the wrapper on the film. */
async function play(t: Test, address: string, options: object = {}, fps = FPS) {
  const folder = t.testdir({ 'film.npy': film(COUNT) });
  const args = ['test/python/tiny.py', `${folder}/film.npy`, address, String(fps), JSON.stringify(options)];
  const run = await runPython(t, ...args);
  const lines: Line[] = run.stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { ...run, lines };
}

const near = (one: number | null | undefined, other: number | null | undefined) =>
  Math.abs((one ?? Number.NaN) - (other ?? Number.NaN)) <= 1e-4;

/** The log probability of each prefix of the film, each sent in one request. */
async function wholes(address: string, fps = FPS): Promise<number[]> {
  const values: number[] = [];
  for (let count = 1; count <= COUNT; count += 1) {
    const { prefixes } = await postNpy(address, film(count), { instruction: INSTRUCTION, fps, prefixes: { last: 1 } });
    values.push(prefixes[0]?.log_prob_true as number);
  }
  return values;
}

t.test(
  'every step has the log probability of the episode so far, and each sampled frame is sent once',
  needs,
  async (t) => {
    const [{ address }, { address: other }] = await Promise.all([startServer(t), startServer(t)]);
    for (const fps of [1, FPS, 8]) {
      const link = await linkTo(t, address);
      const { code, lines, stderr } = await play(t, link.address, {}, fps);
      t.equal(code, 0, stderr);
      const expected = await wholes(other, fps);
      t.ok(
        lines.every(({ log_prob_true }, i) => near(log_prob_true, expected[i])),
        `${fps} steps per second: ${lines.map(({ log_prob_true }) => log_prob_true)}, in one request ${expected}`,
      );
      t.ok(lines.slice(1).every(({ reward, log_prob_true }) => reward === log_prob_true));
      t.strictSame(
        lines.slice(1).map(({ env_reward }) => env_reward),
        Array.from({ length: COUNT - 1 }, (_, i) => i + 1),
      );
      const seen = (index: number) => sampleSchedule(index + 1, { fps }).includes(index);
      t.strictSame(
        lines.map(({ asked }) => asked),
        pixels.map((_, index) => seen(index)),
      );
      // From the second run on, the service has some of these frames already. The wrapper does not know that.
      t.strictSame(
        pixels.map((frame) => occurrences(frame, link.upstream())),
        pixels.map((_, index) => Number(seen(index))),
      );
    }
  },
);

t.test('the shaping reward is the difference of potentials within the given bounds', needs, async (t) => {
  const { address } = await startServer(t);
  const raw = (await play(t, address)).lines.map(({ log_prob_true }) => log_prob_true as number);
  const sorted = raw.toSorted((a, b) => a - b);
  const [low, high] = [sorted[2] as number, sorted[COUNT - 3] as number];
  const { lines } = await play(t, address, { bounds: [low, high], gamma: 0.9 });
  const potential = raw.map((value) => Math.min(1, Math.max(0, (value - low) / (high - low))));
  t.ok(potential.includes(0) && potential.includes(1), 'some potentials are clipped');
  for (const [i, { reward }] of lines.entries()) {
    if (i === 0) continue;
    const expected = 0.9 * (potential[i] as number) - (potential[i - 1] as number);
    t.ok(Math.abs((reward as number) - expected) <= 1e-3, `step ${i}: ${reward}, computed ${expected}`);
  }
});

t.test('a service that keeps no frames returns the same log probabilities', needs, async (t) => {
  const { address } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0', RECENT_FRAMES_BYTES: '0' });
  const { lines } = await play(t, address);
  const expected = await wholes(address);
  t.ok(lines.length === COUNT && lines.every(({ log_prob_true }, i) => near(log_prob_true, expected[i])));
});

t.test('without a service, the wrapper raises an error or returns NaN', needs, async (t) => {
  const { address, process: service } = await startServer(t);
  service.kill('SIGKILL');
  const patience_s = 0.1;
  const silent = createServer().listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await once(silent, 'listening');
  for (const nobody of [address, `http://127.0.0.1:${(silent.address() as AddressInfo).port}`]) {
    const raised = await play(t, nobody, { patience_s });
    t.match(raised, { code: 1, lines: [], stderr: /Unanswered: No result from http\S+ in 0\.1 s/ });
  }
  const { code, lines } = await play(t, address, { patience_s, on_missing: 'nan' });
  t.equal(code, 0);
  t.equal(lines.length, COUNT);
  t.ok(
    lines.every(({ reward, log_prob_true, reward_missing }) =>
      [reward, log_prob_true, !reward_missing].every((x) => !x),
    ),
  );
});

t.test(
  'a reward is marked as missing if one of its log probabilities is missing, and later rewards are complete',
  needs,
  async (t) => {
    const lost = 4;
    const service = createHttpServer(async (request, response) => {
      const [, digests] = /"frame_digests": \[([^\]]*)\]/.exec(await text(request)) as unknown as [string, string];
      const count = digests.split(',').length;
      if (count === lost) response.writeHead(503, { 'retry-after': '3600' }).end('{"code": "server-busy"}');
      else response.end(JSON.stringify({ prefixes: [{ log_prob_true: -count }], warnings: [] }));
    }).listen(0, '127.0.0.1');
    t.teardown(() => service.close());
    await once(service, 'listening');
    const address = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    const without = (lines: Line[], of: (line: Line) => number | null) =>
      lines.flatMap((line, i) => (i > 0 && of(line) === null ? [i + 1] : []));
    for (const [options, missing] of [
      [{}, [lost]],
      [{ bounds: [-COUNT, 0], gamma: 1 }, [lost, lost + 1]],
    ] as const) {
      const { code, lines, stderr } = await play(t, address, { on_missing: 'nan', patience_s: 60, ...options }, 2);
      t.equal(code, 0, stderr);
      t.equal(lines.length, COUNT);
      t.strictSame(
        without(lines, ({ log_prob_true }) => log_prob_true),
        [lost],
      );
      t.strictSame(
        without(lines, ({ reward }) => reward),
        missing,
      );
      t.strictSame(
        without(lines, ({ reward_missing }) => (reward_missing ? null : 0)),
        missing,
      );
    }
  },
);

t.test('at any fps, frames that the wrapper skips are never sampled', needs, async (t) => {
  const [rates, frames] = [[0.5, 1, 1.9, 2, 2.2, 2.5, 3, 5, 7, 8, 9, 10, 12.5, 15, 24, 25, 29.97, 30, 59.94, 80], 241];
  const program = `import json; from topreward.gym import is_sampled
print(json.dumps([[is_sampled(i, fps) for i in range(${frames})] for fps in ${JSON.stringify(rates)}]))`;
  const { code, stdout, stderr } = await runPython(t, '-c', program);
  t.equal(code, 0, stderr);
  const answers: boolean[][] = JSON.parse(stdout);
  let replaced = 0;
  for (const [i, fps] of rates.entries()) {
    const kept = answers[i] as boolean[];
    const at = (count: number) => sampleSchedule(count, { fps });
    for (let count = 1; count <= frames; count += 1) {
      const newest = count - 1;
      if (at(count).includes(newest) !== kept[newest]) t.fail(`frame ${newest} at ${fps} fps`);
      if (!at(count).every((frame) => kept[frame]))
        t.fail(`with ${count} frames at ${fps} fps, a skipped frame is sampled`);
      if (newest === 0) continue;
      if (!kept[newest] && `${at(count)}` !== `${at(newest)}`)
        t.fail(`the sampled frames change without a request at frame ${newest}, ${fps} fps`);
      if (!at(newest).every((frame) => at(count).includes(frame))) replaced += 1;
    }
  }
  t.strictSame(
    [sampleSchedule(8, { fps: 5 }), sampleSchedule(9, { fps: 5 })],
    [
      [0, 2, 5, 7],
      [0, 2, 5, 8],
    ],
  );
  t.ok(replaced > 100, `${replaced} times the newest frame was used until the next one arrived`);
});

t.test('an error that a retry cannot fix is raised with the problem code', needs, async (t) => {
  const { address } = await startServer(t, { MAX_FRAMES: '3' });
  const { code, lines, stderr } = await play(t, address, { on_missing: 'nan' });
  t.equal(code, 1);
  t.equal(lines.length, 5, 'frame 5 is the next sampled frame');
  t.match(stderr, /topreward\.errors\.InvalidRequest: too-many-frames/);
});

t.test('an invalid frame is never sent, and the episode does not continue without it', async (t) => {
  const { address } = await startServer(t);
  const link = await linkTo(t, address);
  for (const [draw, words] of [
    ['frame / 255', '(frame * 255).round().astype(numpy.uint8)'],
    ['numpy.transpose(frame, (2, 0, 1))', 'numpy.transpose(frame, (1, 2, 0))'],
    ['None', 'The frame is None'],
  ] as const) {
    const { code, lines, stderr } = await play(t, link.address, { draw, on_missing: 'nan' });
    t.match({ code, lines }, { code: 1, lines: [] }, draw);
    t.ok(stderr.includes(words), stderr);
  }
  t.equal(link.taken(), 0);

  // At 5 fps, frame 2 is the second sampled frame.
  const late = { draw: 'frame / 255 if at == 2 else frame' };
  const { code, lines, stderr } = await play(t, link.address, late);
  t.match({ code, lines: lines.length }, { code: 1, lines: 2 });
  t.match(stderr, 'ValueError: A frame must be a uint8 array');
  const stubborn = await play(t, link.address, { ...late, stubborn: true });
  t.equal(stubborn.code, 1);
  t.ok(
    stubborn.lines.slice(2).every(({ asked }) => !asked),
    'an episode with a missing frame has no log probability',
  );
  t.match(stubborn.stderr, /topreward\.errors\.\w+: /);

  const shrinking = await play(t, link.address, { draw: 'frame[: len(frame) - at]' });
  t.equal(shrinking.code, 1);
  t.match(shrinking.stderr, /has shape \(46, 64, 3\)\. Earlier frames of this episode have shape \(48, 64, 3\)\./);
});

t.test('the warnings of the service are in info, and each code raises one Python warning', async (t) => {
  const warnings = [1, 2].map((number) => ({ code: 'flat-curve', message: `It is flat (${number}).` }));
  let asked = 0;
  const service = createHttpServer(async (request, response) => {
    await text(request);
    asked += 1;
    const told = asked < 3 ? [] : [{ code: 'nested-layout', message: 'It differs.' }, warnings[asked % 2]];
    response.end(JSON.stringify({ prefixes: [{ log_prob_true: -asked }], warnings: told }));
  }).listen(0, '127.0.0.1');
  t.teardown(() => service.close());
  await once(service, 'listening');
  const { code, lines, stderr } = await play(t, `http://127.0.0.1:${(service.address() as AddressInfo).port}`);
  t.equal(code, 0, stderr);
  t.strictSame(lines[0]?.reward_warnings, []);
  const first = lines.findIndex(({ reward_warnings }) => reward_warnings.length > 0);
  t.ok(first > 0);
  t.strictSame(lines[first]?.reward_warnings, [{ code: 'nested-layout', message: 'It differs.' }, warnings[1]]);
  t.ok(
    lines.slice(first).every(({ reward_warnings }) => reward_warnings.length === 2),
    'steps between two responses have them too',
  );
  const told = stderr.split('\n').filter((line) => /RewardWarning: /.test(line));
  t.strictSame(
    told.map((line) => line.replace(/.*RewardWarning: /, '')),
    ['nested-layout: It differs.', 'flat-curve: It is flat (2).'],
  );
});

t.test(
  'Meta-World: scores of experts rise above their start and above an idle arm, even if the service restarts',
  needs,
  async (t) => {
    const { address, process: service } = await startServer(t);
    const folder = t.testdir({});
    const seeds = [4, 0, 7];
    const restarted = Promise.withResolvers<void>();
    const args = ['examples/python/meta_world.py', '--url', address, '--save', folder, '--seeds', ...seeds.map(String)];
    const running = startPython(t, args, (line) => {
      if (!/^ +1\.5 /.test(line)) return;
      service.kill('SIGKILL');
      startServer(t, { PORT: new URL(address).port }).then(() => restarted.resolve(), restarted.reject);
    });
    const { code, stdout, stderr } = await running.ended;
    t.equal(code, 0, stderr);
    await restarted.promise;
    t.match(stderr, /the connection failed .*; retry in/);
    const rows = stdout
      .split('\n')
      .filter((line) => /^ +\d+\.\d /.test(line))
      .map((line) => line.trim().split(/ +/).map(Number));
    t.strictSame(
      rows.map(([time]) => time),
      Array.from({ length: 12 }, (_, i) => i / 2),
    );
    const columns = seeds.map((_, i) => rows.map((row) => row[i + 1] as number));
    const [expert, second, idle] = columns.map((column) => column.at(-1) as number);
    t.ok(Math.min(expert as number, second as number) > -1, `experts at the end: ${expert} and ${second}`);
    t.ok(Math.max(...columns.slice(0, 2).map(([start]) => start as number)) < -3, 'experts at the start are below −3');
    t.ok((idle as number) < -3, `idle arm at the end: ${idle}`);
    // The sampled frames are 0.5 s apart: an episode at 2 fps.
    for (const [i, seed] of seeds.entries()) {
      const episode = { instruction: INSTRUCTION, fps: 2, prefixes: { every: 1 } };
      const { prefixes } = await postNpy(address, await readFile(`${folder}/${seed}.npy`), episode);
      t.equal(prefixes.length, rows.length);
      const furthest = Math.max(...prefixes.map((p, k) => Math.abs(p.log_prob_true - (columns[i]?.[k] as number))));
      t.ok(furthest <= 1e-4, `seed ${seed}: ${furthest} nats from the complete episode in one request`);
    }
  },
);
