import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { needing } from '../support/needs.ts';
import { type Figures, figuresOf, percentile, verdict } from './fleet/figures.ts';

t.setTimeout(120_000);

/** Runs the bench in its quick mode. @returns what it printed, and the figures of each level */
async function quick(t: Test, ...flags: string[]): Promise<{ text: string; levels: Figures[] }> {
  const json = join(t.testdir(), 'fleet.json');
  const args = ['test/bench/fleet.ts', '--quick', '--json', json, ...flags];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { report } = JSON.parse(readFileSync(json, 'utf8')) as { report: { levels: Figures[] }[] };
  return { text: stdout, levels: report.flatMap(({ levels }) => levels) };
}

const SECONDS = 3;

/** Checks that every request is counted and none had a problem. On a busy machine the last ones of a robot may be unsent. */
function complete(t: Test, { requests, answered, failed }: Figures): void {
  const { unsent = 0, ...problems } = failed;
  t.strictSame(problems, {});
  t.ok(answered.growing > 0);
  t.equal(answered.growing + answered.finished + unsent, requests.growing + requests.finished);
}

t.test('the figures of a run agree with each other', async (t) => {
  const { text, levels } = await quick(t, '--engines', '1', '--robots', '2,5');
  t.strictSame(
    levels.map(({ robots, growing }) => [robots, growing]),
    [
      [2, 1],
      [5, 3],
    ],
  );
  for (const level of levels) {
    const { requests, answered, cores } = level;
    t.equal(requests.growing, SECONDS * level.growing, 'a robot with a growing episode sends a request each second');
    t.ok(requests.finished <= level.robots - level.growing, 'and each other robot one in 20 s');
    complete(t, level);
    t.equal(level.offered, (requests.growing + 20 * requests.finished) / SECONDS);
    t.ok(level.achieved > 0 && level.achieved <= level.offered);
    for (const kind of ['growing', 'finished'] as const) {
      const [middle, high] = [level.p50Ms[kind], level.p99Ms[kind]];
      if (answered[kind] > 0) t.ok(middle && high && middle <= high, `${kind}: ${middle}, ${high}`);
      else t.strictSame([middle, high], [null, null]);
    }
    t.equal(level.engineRequests, answered.growing + 15 * answered.finished, 'one for each prefix');
    t.strictSame([level.conflicts, level.engineResends], [0, 0], 'a single engine keeps all items');
    t.ok(cores.main <= cores.service && cores.all <= availableParallelism() + 0.1);
    const { service, engines, client } = level.cost;
    t.ok(service > 0 && engines >= 8 && client > 0, 'an engine spends what it was told to');
    t.match(text, new RegExp(`^${level.robots} .*\\b0 % `, 'm'));
  }
  t.ok(levels.some(({ answered }) => answered.finished > 0));
});

t.test('an engine that loses items gets them again', async (t) => {
  const { levels } = await quick(t, '--engines', '1', '--robots', '4', '--growing', '1', '--items', '4');
  const [level = {} as Figures] = levels;
  const { engineRequests, engineResends } = level;
  complete(t, level);
  t.ok(engineResends > 0 && engineResends <= engineRequests, `${engineResends} of ${engineRequests}`);
});

t.test('two engines share the robots, and each episode stays on one', needing('haproxy'), async (t) => {
  const { text, levels } = await quick(t, '--engines', '2', '--robots', '8', '--growing', '1');
  const [level = {} as Figures] = levels;
  const { cores, conflicts, engineResends } = level;
  t.match(text, 'Two engines behind HAProxy');
  complete(t, level);
  t.strictSame([conflicts, engineResends], [0, 0]);
  t.ok(cores.engines.length === 2 && cores.engines.every((share) => share > 0), `${cores.engines}`);
});

const level = { engines: 1, robots: 2, growing: 1, seconds: 20 };
const request = {
  kind: 'growing',
  outcome: 'answered',
  ms: 100,
  conflicts: 0,
  engineRequests: 1,
  engineResends: 0,
} as const;

t.test('the figures of a level', async (t) => {
  const figures = figuresOf(level, {
    requests: [
      request,
      { ...request, ms: 1001, conflicts: 2, engineResends: 1, engineRequests: 2 },
      { ...request, kind: 'finished', ms: 5000, engineRequests: 15 },
      { ...request, outcome: 'unsent', ms: 0, engineRequests: 0 },
    ],
    seconds: 25,
    cpu: { service: 220, main: 44, engines: [66, 44], router: 22, client: 11, machine: 2863 },
    peakMiB: 100,
  });
  t.strictSame(figures, {
    ...level,
    requests: { growing: 3, finished: 1 },
    answered: { growing: 2, finished: 1 },
    failed: { unsent: 1 },
    offered: 23 / 20,
    achieved: 22 / 25,
    p50Ms: { growing: 100, finished: 5000 },
    p99Ms: { growing: 1001, finished: 5000 },
    lateShare: 0.5,
    conflicts: 2,
    engineRequests: 18,
    engineResends: 1,
    cost: { service: 10, main: 2, engines: 5, router: 1, client: 0.5 },
    cores: {
      service: 0.22 / 25,
      main: 0.044 / 25,
      engines: [0.066 / 25, 0.044 / 25],
      router: 0.022 / 25,
      client: 0.011 / 25,
      all: 0.363 / 25,
      others: 0.1,
    },
    peakMiB: 100,
  });
});

t.test('a percentile is the smallest value that is enough', async (t) => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  t.strictSame(
    [0.5, 0.99, 1].map((share) => percentile(hundred, share)),
    [50, 99, 100],
  );
  t.strictSame([percentile([7], 0.99), percentile([1, 2], 0.5), percentile([], 0.5)], [7, 1, null]);
});

/** A level with a cost of the service, and cores in use. */
const levelWith = (
  robots: number,
  service: number,
  more: Partial<Figures> & { used?: Partial<Figures['cores']> } = {},
) => {
  const { used, ...others } = more;
  const cores = { service: 0, main: 0, engines: [0], router: 0, client: 0, all: 0, others: 0, ...used };
  const cost = { service, main: 4, engines: 10, router: 0, client: 1 };
  return {
    ...figuresOf(level, { requests: [request], seconds: 20, cpu: NO_CPU, peakMiB: 0 }),
    ...others,
    robots,
    cost,
    cores,
  };
};
const NO_CPU = { service: 0, main: 0, engines: [0], router: 0, client: 0, machine: 0 };
const late = { lateShare: 0.5, failed: { unsent: 3 } };

t.test('the verdict: linear or not, and what is full', async (t) => {
  t.match(verdict([levelWith(25, 10), levelWith(50, 11)], 2), [
    /^The cost is linear from 25 to 50 robots: 20\.0, 21\.0 .* 1\.05,/,
    'No level reached a bound.',
    "one core carries 100 robots as the API process of an engine and 91 as the service; the service's main thread carries 250",
  ]);
  t.match(verdict([levelWith(25, 10), levelWith(50, 15)], 2)[0], /^The cost is NOT linear/);
  const bounds = {
    'engine 1 used 0.95 of its core': { engines: [0.95], all: 1 },
    "the service's main thread used 0.90 of its core": { main: 0.9, all: 1 },
    'the 2 cores of this machine were full (service 1.00, engine 1 0.50, other programs 0.40)': {
      ...{ service: 1, engines: [0.5], all: 1.5, others: 0.4 },
    },
    'no core was full': { service: 1, all: 1.7 },
  };
  for (const [words, used] of Object.entries(bounds)) {
    const [growth, bound, ...rest] = verdict([levelWith(25, 10), levelWith(50, 30, { ...late, used })], 2);
    t.match(growth, 'Only 25 robots were kept up with: 20.0 CPU ms', 'the level at the bound is not compared');
    t.match(bound, `At 50 robots: 50 % of the requests were late, 3 had no result; ${words}`);
    t.equal(
      rest.some((line) => line.includes('idle machine')),
      'others' in used,
    );
  }
  t.strictSame(verdict([levelWith(25, 10, late)], 2)[0], 'The first level is already above the bound.');
});
