// What the embedded engine costs: an episode against one pass of its longest prefix alone, and against transformers; steps
// of a growing episode.
//   npm run bench:embedded -- [--repeat N] [--json FILE]
// VLLM_PYTHON names a Python with torch and transformers (test/engine/with-engine.sh); without it that part is left out.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Model } from '../../schemas/model.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { loadConfig } from '../../src/config.ts';
import type { FrameSize } from '../../src/plan/frame-size.ts';
import { askOracle } from '../support/oracle.ts';
import { median, multipart, peakMemoryMiB, post, startService, table } from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: { repeat: { type: 'string', default: '7' }, json: { type: 'string' } },
});

const FRAMES = 64;
/** The schedule's own rate: every frame is shown to the model. */
const FPS = 2;
const INSTRUCTION = 'Open the drawer.';
const ORACLE_EPISODES = 3;
const GROWN = [10, 100, 500];
const STEPS = 5;
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

/** An episode that nothing is cached of. */
function newEpisode(count: number, size: FrameSize): Promise<Buffer[]> {
  seed += 1;
  return syntheticEpisode(seed, count, size, 'jpeg');
}

/** a: the longest prefix alone; b: 15 prefixes. In turns, each on frames of its own. */
async function prefixesAgainstOne(size: FrameSize) {
  const calls = { a: [] as Call[], b: [] as Call[] };
  for (let turn = 0; turn <= repeats; turn += 1) {
    const a = await score(await newEpisode(FRAMES, size), { last: 1 });
    const b = await score(await newEpisode(FRAMES, size), { count: 15 });
    if (turn === 0) continue; // warms up
    calls.a.push(a);
    calls.b.push(b);
  }
  return calls;
}

/** Each step sends the whole episode again with one more block, and asks about its end. */
async function growing(count: number, size: FrameSize): Promise<Call[]> {
  const files = await newEpisode(count + 2 * STEPS, size);
  await score(files.slice(0, count), { last: 1 });
  const calls: Call[] = [];
  for (let step = 1; step <= STEPS; step += 1) calls.push(await score(files.slice(0, count + 2 * step), { last: 1 }));
  return calls;
}

async function transformers(size: FrameSize): Promise<number[]> {
  const cases = await Promise.all(
    Array.from({ length: ORACLE_EPISODES + 1 }, async (_, i) => {
      const files = await newEpisode(FRAMES, size);
      return { name: `${i}`, files, fps: FPS, instruction: INSTRUCTION };
    }),
  );
  const answers = await askOracle(cases, MODEL_DIR, model.reference_frame);
  // The first one warms up.
  return [...answers.values()].slice(1).map(({ seconds }) => seconds * 1000);
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
const report: Record<string, unknown> = { model: model.model, repeats };
try {
  for (const size of [own, { width: 480, height: 480 }]) {
    const name = `${size.width}×${size.height}`;
    const { a, b } = await prefixesAgainstOne(size);
    console.log(`\n${model.model}: ${FRAMES} JPEG frames of ${name}, medians of ${repeats}`);
    console.log(table(HEAD, [row('a  longest prefix alone', a), row('b  15 prefixes', b)]));
    const over = median(b.map(({ ms }, i) => ms / (a[i] as Call).ms));
    verdict(`b/a, at most ${TARGETS.overLimit}`, over, over <= TARGETS.overLimit);
    report[name] = { a, b, over };
    if (!process.env['VLLM_PYTHON']) continue;
    const c = await transformers(size);
    const gain = median(c) / middle(b, ({ ms }) => ms);
    console.log(`c  transformers, each prefix from nothing: ${median(c).toFixed(0)} ms`);
    verdict(`c/b, at least ${TARGETS.gain}`, gain, gain >= TARGETS.gain);
    Object.assign(report[name] as object, { c, gain });
  }
  const steps: [string, Call[]][] = [];
  for (const count of GROWN) steps.push([`${count} frames`, await growing(count, own)]);
  console.log(
    `\nA step of a growing episode: all frames of ${own.width}×${own.height} again and two more, medians of ${STEPS}`,
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
