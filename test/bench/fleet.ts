// Measures a simulated fleet on this machine: robots with growing episodes, which send their new frames each second, and robots with
// finished ones, each at its own times. One engine that responds at once, or two behind HAProxy; each spends a stated CPU time.
//   npm run bench:fleet -- [--robots 25,50,100,200] [--engines 1,2] [--growing SHARE] [--seconds N] [--json FILE] [--quick]
//                          [--block-ms N] [--name-ms N] [--prompt-ms N] [--items N] [--seed N]
// Everything runs on this machine over loopback. It takes at most 6 minutes; --quick takes seconds and measures nothing useful.
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMissing } from '../support/needs.ts';
import { type Figures, figuresOf, verdict } from './fleet/figures.ts';
import { measure } from './fleet/measure.ts';
import { startPool } from './fleet/pool.ts';
import { EPISODE_S, FPS, SECONDS } from './fleet/robots.ts';
import { CONNECTIONS, table } from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: {
    robots: { type: 'string' },
    engines: { type: 'string', default: '1,2' },
    growing: { type: 'string', default: '0.5' },
    seconds: { type: 'string' },
    // CPU time of vLLM's API process, uncompressed frames: docs/reference/benchmarks.md, "CPU time of the host". With these, an episode
    // of 32 blocks and 15 prefixes takes the 0.30 s that were measured there; 0.33 ms is "A step of a growing episode".
    'block-ms': { type: 'string', default: '6' },
    'name-ms': { type: 'string', default: '0.33' },
    'prompt-ms': { type: 'string', default: '2' },
    // 4 GiB, vLLM's item cache by default, with 0.4 MB for each.
    items: { type: 'string', default: '10900' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const SIZE = options.quick ? { width: 96, height: 96 } : { width: 640, height: 480 };
const robots = (options.robots ?? (options.quick ? '2,4' : '25,50,100,200')).split(',').map(Number);
const seconds = Number(options.seconds ?? (options.quick ? 3 : 20));
const seed = Number(options.seed);
const cores = availableParallelism();
const settings = {
  BLOCK_MS: options['block-ms'],
  NAME_MS: options['name-ms'],
  PROMPT_MS: options['prompt-ms'],
  ITEMS: options.items,
};

function enginesToTry(): (1 | 2)[] {
  const asked = options.engines.split(',').map((count) => (count === '2' ? 2 : 1));
  if (!asked.includes(2) || !isMissing('haproxy')) return asked;
  console.log('HAProxy is not on PATH, so two engines are left out.');
  return asked.filter((count) => count === 1);
}

const frames = await syntheticEpisode(seed, FPS * EPISODE_S, SIZE, 'jpeg');

/** Measures all levels with new engines for each. */
async function measureLevels(engines: 1 | 2): Promise<Figures[]> {
  const levels: Figures[] = [];
  for (const count of robots) {
    const level = { engines, robots: count, growing: Math.round(count * Number(options.growing)), seconds };
    const pool = await startPool(engines, settings);
    try {
      levels.push(figuresOf(level, await measure(pool, { ...level, seed: seed + count, frames })));
    } finally {
      await pool.stop();
    }
  }
  return levels;
}

const ms = (value: number | null) => value?.toFixed(0) ?? '–';
const percent = (share: number) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

function row(figures: Figures): (string | number)[] {
  const { cost, p50Ms, p99Ms } = figures;
  return [
    figures.robots,
    figures.offered.toFixed(1),
    figures.achieved.toFixed(1),
    ms(p50Ms.growing),
    ms(p99Ms.growing),
    ms(p50Ms.finished),
    ms(p99Ms.finished),
    percent(figures.lateShare),
    figures.conflicts,
    percent(figures.engineResends / Math.max(1, figures.engineRequests)),
    cost.service.toFixed(1),
    cost.engines.toFixed(1),
    cost.router.toFixed(1),
    cost.client.toFixed(1),
    figures.peakMiB.toFixed(0),
  ];
}

const HEAD = [
  ...['robots', 'offered', 'achieved', 'growing p50', 'p99', 'finished p50', 'p99', 'late', '409', 'resends'],
  ...['service', 'engines', 'HAProxy', 'fleet', 'peak MiB'],
];

const bytes = frames.reduce((total, { length }) => total + length, 0) / frames.length;
console.log(
  `${cores} cores for everything, loopback, ${CONNECTIONS} connections. JPEG frames of ${SIZE.width}×${SIZE.height}, ` +
    `${(bytes / 1000).toFixed(0)} kB each, ${FPS} per second. ${seconds} s for each level.\n` +
    `Growing episodes: ${EPISODE_S} s, a request every ${SECONDS.growing} s. Finished ones: ${SECONDS.finished} s, a request every ${SECONDS.finished} s. ` +
    `${percent(Number(options.growing))} of the robots have growing ones.\n` +
    `Engines keep ${options.items} items and spend ${settings.BLOCK_MS} ms on a new block, ${settings.NAME_MS} ms on a named one and ` +
    `${settings.PROMPT_MS} ms on a request.\n` +
    'Offered and achieved: robot-seconds per second. Times in ms, from when a request was due. The columns from service to fleet: ' +
    'CPU ms per robot-second.',
);
const report: { levels: Figures[]; verdict: string[] }[] = [];
for (const engines of enginesToTry()) {
  const levels = await measureLevels(engines);
  const lines = verdict(levels, cores);
  report.push({ levels, verdict: lines });
  console.log(`\n${engines === 1 ? 'One engine' : 'Two engines behind HAProxy'}\n${table(HEAD, levels.map(row))}`);
  for (const { robots: count, failed } of levels)
    for (const [code, times] of Object.entries(failed)) console.log(`${count} robots: ${times} requests ${code}`);
  for (const line of lines) console.log(line);
}
if (options.json) {
  const { quick, json, ...asked } = options;
  await writeFile(options.json, `${JSON.stringify({ cores, seconds, ...asked, report }, null, 2)}\n`);
}
