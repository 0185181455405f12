// Measures a step of a growing episode at frame 10, 100 and 500. Each step sends only the new frame and names the others.
//   npm run bench:online -- [--steps N] [--fps N] [--json FILE]
// It uses the embedded engine and, if ENGINE_URL is set, the vLLM there (see test/engine/with-engine.sh).
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { RewardResult } from '../../schemas/reward.ts';
import { median, multipart, type Program, post, startService, table } from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '20' },
    fps: { type: 'string', default: '10' },
    json: { type: 'string' },
  },
});

const AT = [10, 100, 500];
const SIZE = { width: 480, height: 480 };
const TARGET = 1.5;
const steps = Number(options.steps);
const fps = Number(options.fps);
const files = await syntheticEpisode(1, Math.max(...AT) + steps, SIZE, 'jpeg');
const digests = files.map((file) => createHash('sha256').update(file).digest('hex'));

interface Step {
  ms: number;
  /** true if the step added a sampled frame */
  shows: boolean;
  frameBytes: number;
  otherBytes: number;
  usage: RewardResult['usage'];
}

/** Starts an episode on a service. */
function startEpisode({ url }: Program) {
  const instruction = 'Open the drawer.';
  const listed: string[] = [];
  let seen = 0;

  /** Adds frames like a loop that does not know the schedule: it sends every frame, and later drops those not sampled. */
  return async function step(until: number): Promise<Step> {
    const fresh = files.slice(listed.length, until);
    listed.push(...digests.slice(listed.length, until));
    const body = multipart({ instruction, fps, frame_digests: listed }, fresh, 'image/jpeg');
    const { answer, ms } = await post<RewardResult>(`${url}/v1/rewards`, body);
    const shown = new Set(answer.provenance.sampled_frame_indices);
    for (const frame of listed.slice(0, -1).keys()) if (!shown.has(frame)) listed[frame] = '';
    const shows = shown.size > seen;
    seen = shown.size;
    const frameBytes = fresh.reduce((sum, { length }) => sum + length, 0);
    return { ms, shows, frameBytes, otherBytes: body.bytes.length - frameBytes, usage: answer.usage };
  };
}

const middle = (all: Step[], read: (step: Step) => number) => median(all.map(read));

const HEAD = [
  '',
  'steps',
  'ms',
  'decoding',
  'model',
  'tokens computed',
  'bytes of the frame',
  'other bytes',
  'bytes to the engine',
];

function row(all: Step[]): string[] {
  return [
    all.length,
    middle(all, ({ ms }) => ms),
    middle(all, ({ usage }) => usage.decoding_ms),
    middle(all, ({ usage }) => usage.engine_ms),
    middle(all, ({ usage }) => usage.prompt_tokens - (usage.cached_tokens ?? 0)),
    middle(all, ({ frameBytes }) => frameBytes),
    middle(all, ({ otherBytes }) => otherBytes),
    middle(all, ({ usage }) => usage.engine_bytes),
  ].map((value) => value.toFixed(0));
}

async function measure(name: string, service: Program): Promise<Record<string, Step[]>> {
  const measured: Record<string, Step[]> = {};
  const step = startEpisode(service);
  for (const at of AT) {
    await step(at - 1);
    // The large first step is not measured.
    measured[at] = [];
    for (let frame = at; frame < at + steps; frame += 1) measured[at].push(await step(frame));
  }
  console.log(`\n${name}: JPEG frames of ${SIZE.width}×${SIZE.height}, ${fps} fps; medians of ${steps} steps`);
  for (const [title, among] of [
    ['steps that add a sampled frame', (all: Step[]) => all.filter(({ shows }) => shows)],
    ['all steps', (all: Step[]) => all],
  ] as const) {
    const at = (frame: number) => among(measured[frame] as Step[]);
    console.log(
      `${title}\n${table(
        HEAD,
        AT.map((frame) => [`frame ${frame}`, ...row(at(frame))]),
      )}`,
    );
    const ratio = middle(at(500), ({ ms }) => ms) / middle(at(10), ({ ms }) => ms);
    if (ratio > TARGET) process.exitCode = 1;
    console.log(`${ratio <= TARGET ? 'ok  ' : 'MISS'} frame 500 / frame 10, at most ${TARGET}: ${ratio.toFixed(2)}`);
  }
  return measured;
}

const report: Record<string, unknown> = {};
for (const [name, env] of Object.entries({
  'embedded engine': { ENGINE: 'embedded' },
  ...(process.env['ENGINE_URL'] && { vLLM: { ENGINE: 'vllm' } }),
})) {
  const service = await startService(process.env['ENGINE_URL'] ?? '', env);
  try {
    report[name] = await measure(name, service);
  } finally {
    await service.stop();
  }
}
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
