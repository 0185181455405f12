// Measures the embedded engine: an episode, compared with only its longest prefix and with transformers; and steps of a growing
// episode.
//   npm run bench:embedded -- [--repeat N] [--json FILE]
// Run it on an idle machine only: PyTorch's threads spin, and with other work transformers takes more than ten times as long.
// VLLM_PYTHON is a Python with torch and transformers (see test/engine/with-engine.sh). Without it the comparison is skipped.
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Model } from '../../schemas/model.ts';
import type { FrameSize, RewardResult } from '../../schemas/reward.ts';
import { loadConfig } from '../../src/config/config.ts';
import { askOracle } from '../support/oracle.ts';
import { median, multipart, peakMemoryMiB, post, startService, table } from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: { repeat: { type: 'string', default: '7' }, json: { type: 'string' } },
});

const FRAMES = 64;
/** The rate of the schedule: every frame is sampled. */
const FPS = 2;
const INSTRUCTION = 'Open the drawer.';
const ORACLE_EPISODES = 3;
const GROWN = [10, 100, 500];
const STEPS = 5;
/** Load average above which the machine counts as busy at the start. */
const BUSY = 0.7;
const TARGETS = { overLimit: 1.3, gain: 10 };

const { MODEL_DIR } = loadConfig({ MODEL_DIR: process.env['MODEL_DIR'] });
const service = await startService('', { ENGINE: 'embedded', MODEL_DIR });
const model = (await (await fetch(`${service.url}/v1/model`)).json()) as Model;
const repeats = Number(options.repeat);
let seed = 0;

interface Call {
  ms: number;
  usage: RewardResult['usage'];
}

async function score(files: Buffer[], prefixes: object): Promise<Call> {
  const body = multipart({ instruction: INSTRUCTION, fps: FPS, prefixes }, files, 'image/jpeg');
  const { answer, ms } = await post<RewardResult>(`${service.url}/v1/rewards`, body);
  return { ms, usage: answer.usage };
}

/** Makes an episode that is in no cache. */
function newEpisode(count: number, size: FrameSize): Promise<Buffer[]> {
  seed += 1;
  return syntheticEpisode(seed, count, size, 'jpeg');
}

/** a: only the longest prefix; b: 15 prefixes; d: a prefix for each frame. They run in turns, each with new frames. */
const KINDS = { a: { last: 1 }, b: { count: 15 }, d: { count: FRAMES } };
type Kind = keyof typeof KINDS;

async function inTurns(size: FrameSize): Promise<Record<Kind, Call[]>> {
  const calls: Record<Kind, Call[]> = { a: [], b: [], d: [] };
  for (let turn = 0; turn <= repeats; turn += 1) {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      const call = await score(await newEpisode(FRAMES, size), KINDS[kind]);
      // The first turn is a warm-up.
      if (turn > 0) calls[kind].push(call);
    }
  }
  return calls;
}

/** Each step sends the complete episode again with one more block, and requests the last prefix. */
async function growing(count: number, size: FrameSize): Promise<Call[]> {
  const files = await newEpisode(count + 2 * STEPS, size);
  await score(files.slice(0, count), { last: 1 });
  const calls: Call[] = [];
  for (let step = 1; step <= STEPS; step += 1) calls.push(await score(files.slice(0, count + 2 * step), { last: 1 }));
  return calls;
}

/** Time of transformers for an episode in ms, with one video and one full pass for each prefix: 15 prefixes (b) or all (d). */
async function transformers(size: FrameSize): Promise<{ b: number; d: number }> {
  const episode = async (name: string, count: number) => {
    const files = await newEpisode(FRAMES, size);
    return { name, files, fps: FPS, instruction: INSTRUCTION, count };
  };
  const times = Array.from({ length: ORACLE_EPISODES }, (_, i) => `${i}`);
  const cases = [await episode('warm', 15)];
  for (const i of times) cases.push(await episode(`b${i}`, 15), await episode(`d${i}`, FRAMES));
  const answers = await askOracle(cases, MODEL_DIR, model.reference_frame);
  const seconds = (name: string) => answers.get(name)?.seconds as number;
  return {
    b: 1000 * median(times.map((i) => seconds(`b${i}`))),
    d: 1000 * median(times.map((i) => seconds(`d${i}`))),
  };
}

const middle = (calls: Call[], read: (call: Call) => number) => median(calls.map(read));
const row = (name: string, calls: Call[]) => [
  name,
  middle(calls, ({ ms }) => ms).toFixed(0),
  middle(calls, ({ usage }) => usage.decoding_ms).toFixed(0),
  middle(calls, ({ usage }) => usage.engine_ms).toFixed(0),
  middle(calls, ({ usage }) => usage.prompt_tokens - (usage.cached_tokens ?? 0)).toFixed(0),
];
const HEAD = ['', 'ms', 'decoding', 'model', 'tokens computed'];
const verdict = (what: string, value: number, ok: boolean) =>
  console.log(`${ok ? 'ok  ' : 'MISS'} ${what}: ${value.toFixed(2)}`);

const own = model.reference_frame;
const [load = 0] = loadavg();
if (load > BUSY) console.log(`The machine is busy (load ${load.toFixed(1)}): these figures are not reliable.`);
const report: Record<string, unknown> = { model: model.model, repeats };
try {
  for (const size of [own, { width: 480, height: 480 }]) {
    const name = `${size.width}×${size.height}`;
    const { a, b, d } = await inTurns(size);
    console.log(`\n${model.model}: ${FRAMES} JPEG frames of ${name}, medians of ${repeats}`);
    const rows = [row('a  longest prefix only', a), row('b  15 prefixes', b), row(`d  all ${FRAMES} prefixes`, d)];
    console.log(table(HEAD, rows));
    const over = median(b.map(({ ms }, i) => ms / (a[i] as Call).ms));
    verdict(`b/a, at most ${TARGETS.overLimit}`, over, over <= TARGETS.overLimit);
    report[name] = { a, b, d, over };
    if (!process.env['VLLM_PYTHON']) continue;
    const plain = await transformers(size);
    for (const [what, calls, ms] of [
      ['15 prefixes', b, plain.b],
      [`all ${FRAMES} prefixes`, d, plain.d],
    ] as const) {
      const gain = ms / middle(calls, (call) => call.ms);
      const bare = ms / middle(calls, ({ usage }) => usage.decoding_ms + usage.engine_ms);
      console.log(
        `   transformers, ${what}, each from its start: ${ms.toFixed(0)} ms; ${bare.toFixed(1)} times the service's time without HTTP`,
      );
      verdict(`transformers / service, ${what}, at least ${TARGETS.gain}`, gain, gain >= TARGETS.gain);
    }
    Object.assign(report[name] as object, { transformers: plain });
  }
  const steps: [string, Call[]][] = [];
  for (const count of GROWN) steps.push([`${count} frames`, await growing(count, own)]);
  console.log(
    `\nA step of a growing episode: all ${own.width}×${own.height} frames again and two new ones, medians of ${STEPS}`,
  );
  console.log(
    table(
      HEAD,
      steps.map(([name, calls]) => row(name, calls)),
    ),
  );
  report['steps'] = Object.fromEntries(steps);
  console.log(`\nPeak memory of the service: ${peakMemoryMiB(service.pid).toFixed(0)} MiB`);
} finally {
  await service.stop();
}
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
