// Measures how many episodes the service can handle, and the CPU time of a step of a growing episode, with an engine that
// responds immediately.
//   npm run bench:service -- [--json FILE] [--scale N]
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { RewardResult } from '../../schemas/reward.ts';
import {
  cpuMs,
  median,
  multipart,
  peakMemoryMiB,
  post,
  startProgram,
  startService,
  table,
  type UploadBody,
} from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'string' }, scale: { type: 'string', default: '1' } },
});

const FRAMES = 64;
/** Sampled frames of a growing episode: 60 s. */
const STEPS = 120;
const SIZE = { width: 640, height: 480 };
/** Frames per second. 2 is the rate of the schedule, so all frames are sampled. */
const RATES = [10, 2];
const LEVELS = [
  { concurrency: 1, episodes: 12 },
  { concurrency: 16, episodes: 48 },
  { concurrency: 64, episodes: 96 },
];

interface Level {
  concurrency: number;
  episodes: number;
  episodesPerSecond: number;
  cpuMsPerEpisode: number;
  medianMs: number;
  decodingMs: number;
  peakMiB: number;
}

/** Measures one level with a new service, because the peak memory of a process cannot be reset. */
async function measure(engineUrl: string, body: UploadBody, concurrency: number, episodes: number): Promise<Level> {
  const service = await startService(engineUrl);
  try {
    const url = `${service.url}/v1/rewards`;
    for (let i = 0; i < 2; i += 1) await post(url, body);
    const cpuBefore = cpuMs(service.pid);
    const started = performance.now();
    const calls: { answer: RewardResult; ms: number }[] = [];
    let left = episodes;
    const client = async () => {
      while (left > 0) {
        left -= 1;
        calls.push(await post<RewardResult>(url, body));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, client));
    const seconds = (performance.now() - started) / 1000;
    return {
      concurrency,
      episodes,
      episodesPerSecond: episodes / seconds,
      cpuMsPerEpisode: (cpuMs(service.pid) - cpuBefore) / episodes,
      medianMs: median(calls.map(({ ms }) => ms)),
      decodingMs: median(calls.map(({ answer }) => answer.usage.decoding_ms)),
      peakMiB: peakMemoryMiB(service.pid),
    };
  } finally {
    await service.stop();
  }
}

/**
 * Grows an episode by one sampled frame at a time, and requests a score after each one.
 * @returns CPU time of the service in ms per step
 */
async function measureSteps(engineUrl: string, encoding: string): Promise<number> {
  const service = await startService(engineUrl, { ENGINE_FRAME_ENCODING: encoding });
  try {
    const grow = async (seed: number) => {
      const files = await syntheticEpisode(seed, STEPS, SIZE, 'jpeg');
      const digests = files.map((file) => createHash('sha256').update(file).digest('hex'));
      const before = cpuMs(service.pid);
      for (const [i, file] of files.entries()) {
        const episode = { instruction: 'Open the drawer.', fps: 2, frame_digests: digests.slice(0, i + 1) };
        await post(`${service.url}/v1/rewards`, multipart(episode, [file], 'image/jpeg'));
      }
      return (cpuMs(service.pid) - before) / STEPS;
    };
    // The first episode is a warm-up.
    await grow(1);
    return await grow(2);
  } finally {
    await service.stop();
  }
}

const frames = await syntheticEpisode(1, FRAMES, SIZE, 'jpeg');
const engine = await startProgram('test/bench/instant-engine.ts');
const report: { fps: number; sampled: number; uploadBytes: number; engineBytes: number; levels: Level[] }[] = [];
const steps: Record<string, number> = {};
try {
  for (const fps of RATES) {
    const body = multipart({ instruction: 'Open the drawer.', fps }, frames, 'image/jpeg');
    const trial = await startService(engine.url);
    const { answer } = await post<RewardResult>(`${trial.url}/v1/rewards`, body);
    await trial.stop();
    const sampled = answer.provenance.sampled_frame_indices.length;
    const levels: Level[] = [];
    for (const { concurrency, episodes } of LEVELS) {
      const count = Math.max(concurrency, Math.round(episodes * Number(options.scale)));
      levels.push(await measure(engine.url, body, concurrency, count));
    }
    const engineBytes = answer.usage.engine_bytes;
    report.push({ fps, sampled, uploadBytes: body.bytes.length, engineBytes, levels });
    const { width, height } = SIZE;
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    console.log(
      `\n${FRAMES} JPEG frames of ${width}×${height} at ${fps} fps: ${sampled} sampled, ` +
        `${megabytes(body.bytes.length)} MB uploaded, ${megabytes(engineBytes)} MB to the engine, ` +
        `${answer.usage.engine_requests} engine requests, ${availableParallelism()} cores`,
    );
    console.log(
      table(
        ['at once', 'episodes', 'episodes/s', 'CPU ms/episode', 'median ms', 'decoding ms', 'peak MiB'],
        levels.map((level) => [
          level.concurrency,
          level.episodes,
          level.episodesPerSecond.toFixed(2),
          level.cpuMsPerEpisode.toFixed(0),
          level.medianMs.toFixed(0),
          level.decodingMs.toFixed(0),
          level.peakMiB.toFixed(0),
        ]),
      ),
    );
  }
  for (const encoding of ['png', 'raw']) steps[encoding] = await measureSteps(engine.url, encoding);
  const shown = Object.entries(steps).map(([encoding, ms]) => `${encoding} ${ms.toFixed(1)}`);
  console.log(`\nCPU ms of a step of a growing episode of ${STEPS} sampled frames: ${shown.join(', ')}`);
} finally {
  await engine.stop();
}
if (options.json) await writeFile(options.json, JSON.stringify({ report, steps }, null, 2));
