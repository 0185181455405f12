// Measures the CPU time of the host: this service and vLLM's processes for an episode, with PNG and with uncompressed frames; and
// many episodes at once, compared with one after another.
//   npm run bench:host -- [--frames N] [--repeat N] [--json FILE]
// Every measurement uses new frames, so that no cache of the engine helps.
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { RewardResult } from '../../schemas/reward.ts';
import { processTree, vllmProcesses } from './processes.ts';
import { cpuMs, median, multipart, type Program, post, startService, table, type UploadBody } from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '64' },
    repeat: { type: 'string', default: '7' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    // Each run has another seed, so that an engine that still runs does not know the frames.
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});

const SIZE = { width: 480, height: 480 };
/** The rate of the schedule: every frame is sampled. */
const FPS = 2;
const INSTRUCTION = 'Put the red block into the drawer and close it.';
const AT_ONCE = 16;
const ENCODINGS = ['png', 'raw'] as const;
type Encoding = (typeof ENCODINGS)[number];
/** Upper limit of the API process's CPU time, raw / PNG; lower limit of the gain of parallel episodes. */
const TARGETS = { apiShare: 0.6, gain: 1.7 };

/** CPU seconds per process, duration and sent megabytes of one episode. */
interface Cost {
  service: number;
  api: number;
  core: number;
  seconds: number;
  megabytes: number;
}

const url = process.env['ENGINE_URL'] ?? 'http://127.0.0.1:8000';
const engine = vllmProcesses(Number(new URL(url).port));
const count = Number(options.frames);
let seed = Number(options.seed);

async function newEpisode(): Promise<UploadBody> {
  seed += 1;
  const frames = await syntheticEpisode(seed, count, SIZE, 'jpeg');
  return multipart({ instruction: INSTRUCTION, fps: FPS }, frames, 'image/jpeg');
}

const send = (service: Program, body: UploadBody) => post<RewardResult>(`${service.url}/v1/rewards`, body);

const secondsOf = (pids: number[]) => pids.reduce((sum, pid) => sum + cpuMs(pid), 0) / 1000;

async function measure(service: Program): Promise<Cost> {
  const body = await newEpisode();
  const read = () => [[service.pid], [engine.api], processTree(engine.core)].map(secondsOf);
  const before = read();
  const { answer, ms } = await send(service, body);
  const [own, api, core] = read().map((seconds, i) => seconds - (before[i] as number)) as [number, number, number];
  return { service: own, api, core, seconds: ms / 1000, megabytes: answer.usage.engine_bytes / 1e6 };
}

/** Duration in seconds of `AT_ONCE` episodes, one after another and all at once. */
async function measureTogether(service: Program): Promise<{ apart: number; together: number }> {
  const bodies: UploadBody[] = [];
  for (let i = 0; i < 2 * AT_ONCE; i += 1) bodies.push(await newEpisode());
  const started = performance.now();
  for (const body of bodies.slice(0, AT_ONCE)) await send(service, body);
  const between = performance.now();
  await Promise.all(bodies.slice(AT_ONCE).map((body) => send(service, body)));
  const ended = performance.now();
  return { apart: (between - started) / 1000, together: (ended - between) / 1000 };
}

const services: Record<Encoding, Program> = {
  png: await startService(url, { ENGINE_FRAME_ENCODING: 'png' }),
  raw: await startService(url, { ENGINE_FRAME_ENCODING: 'raw' }),
};
const costs: Record<Encoding, Cost[]> = { png: [], raw: [] };
const rounds: { apart: number; together: number }[] = [];
try {
  // The encodings take turns. The first two turns are a warm-up.
  for (let turn = -2; turn < Number(options.repeat); turn += 1) {
    for (const encoding of ENCODINGS) {
      const cost = await measure(services[encoding]);
      if (turn >= 0) costs[encoding].push(cost);
    }
  }
  for (let round = 0; round < Number(options.rounds); round += 1) rounds.push(await measureTogether(services.raw));
} finally {
  for (const service of Object.values(services)) await service.stop();
}

const middle = (encoding: Encoding, part: keyof Cost) => median(costs[encoding].map((cost) => cost[part]));
const each = (encoding: Encoding, part: keyof Cost) => costs[encoding].map((cost) => cost[part].toFixed(2)).join(' ');
console.log(`\n${count} JPEG frames of ${SIZE.width}×${SIZE.height}, 15 prefixes; CPU seconds per episode, medians`);
console.log(
  table(
    ['', 'service', "vLLM's API process", 'engine core', 'seconds', 'MB to the engine'],
    ENCODINGS.map((encoding) => [
      encoding,
      ...(['service', 'api', 'core', 'seconds'] as const).map((part) => middle(encoding, part).toFixed(2)),
      middle(encoding, 'megabytes').toFixed(1),
    ]),
  ),
);
for (const encoding of ENCODINGS)
  console.log(`All values, ${encoding}: service ${each(encoding, 'service')}; API process ${each(encoding, 'api')}`);
const verdict = (what: string, value: number, ok: boolean) =>
  console.log(`${ok ? 'ok  ' : 'MISS'} ${what}: ${value.toFixed(2)}`);
const share = middle('raw', 'api') / middle('png', 'api');
verdict(`API process, raw / png, at most ${TARGETS.apiShare}`, share, share <= TARGETS.apiShare);
if (rounds.length > 0) {
  const gain = median(rounds.map(({ apart, together }) => apart / together));
  const shown = rounds.map(({ apart, together }) => `${apart.toFixed(1)} / ${together.toFixed(1)}`).join(', ');
  console.log(`Seconds for ${AT_ONCE} episodes, one after another / at once: ${shown}`);
  verdict(`gain of episodes at once, at least ${TARGETS.gain}`, gain, gain >= TARGETS.gain);
  const cpu = median(costs.raw.map(({ service, api, core }) => service + api + core));
  const bound = median(costs.raw.map(({ seconds }) => seconds)) / (cpu / availableParallelism());
  console.log(
    `A single episode takes ${middle('raw', 'seconds').toFixed(2)} s and ${cpu.toFixed(2)} CPU seconds of all processes, ` +
      `so on ${availableParallelism()} cores the gain is at most ${bound.toFixed(2)}`,
  );
}
if (options.json) await writeFile(options.json, `${JSON.stringify({ seed: options.seed, costs, rounds }, null, 2)}\n`);
