// Measures one episode on a real vLLM: this service, compared with the lower limit and with complete videos.
//   npm run bench:episode -- [--repeat N] [--case A] [--json FILE] [--check]
//   a   one request for the longest prefix only, directly to the engine: the lower limit
//   b0  the engine requests of b, prepared in advance, directly to the engine: the comparison for this service
//   b   the complete HTTP call to this service, all prefixes
//   c   each prefix as a complete video, in parallel, directly to the engine
// Every measurement uses new frames, so that no cache of the engine helps.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { REFERENCE_SIDE } from '../../schemas/defaults.ts';
import type { FrameSizeMode } from '../../schemas/enumerations.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { type Body, createClient } from '../../src/engines/vllm/client.ts';
import { probeEngine } from '../../src/engines/vllm/probe.ts';
import { prefixLengths } from '../../src/episode/prefixes.ts';
import { sampleSchedule } from '../../src/episode/schedule.ts';
import { QWEN3_VL } from '../../src/families/qwen3-vl/family.ts';
import { createRenderer } from '../../src/frames/renderer.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import type { EpisodePlan } from '../../src/plan/plan.ts';
import { planEpisode } from '../support/plans.ts';
import {
  allBodies,
  type Cost,
  longestBody,
  type Prepared,
  promptShape,
  sendAll,
  unfinishedBytes,
  wholeVideoBodies,
} from './engine-requests.ts';
import { median, multipart, post, startService, table } from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: {
    repeat: { type: 'string', default: '3' },
    case: { type: 'string', multiple: true, default: ['A', 'B'] },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    // Each run has another seed, so that an engine that still runs does not know the frames.
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});

interface Case {
  name: string;
  count: number;
  side: number;
  frameSize: FrameSizeMode;
  /** format of the uploaded frames */
  format: 'jpeg' | 'png';
}

const CASES: Case[] = [
  { name: 'A', count: 64, side: 448, frameSize: 'native', format: 'jpeg' },
  {
    name: 'B',
    count: 256,
    side: REFERENCE_SIDE,
    frameSize: 'reference',
    format: 'png',
  },
];
const INSTRUCTION = 'Put the red block into the drawer and close it.';
/** The rate of the schedule: every frame is sampled. */
const FPS = 2;
/** Size of a KV block in tokens: --block-size of test/engine/serve.sh. */
const KV_BLOCK = 32;
/** Bytes of names and prompt text, as a share of the bytes of all frames. */
const NAMES_SHARE = 0.01;

/** Limit of b's time divided by b0's time. */
const OVER_REQUESTS = 1.1;

type Kind = 'a' | 'b0' | 'b' | 'c';
const KINDS: Kind[] = ['a', 'b0', 'b', 'c'];
type Figures = Omit<Cost, 'answers'>;

interface Repetition extends Record<Kind, Figures> {
  usage: RewardResult['usage'];
  /** most tokens that b may compute and most bytes that it may send if nothing is done twice */
  bounds: { computedTokens: number; bytes: number };
}

const url = process.env['ENGINE_URL'] ?? 'http://127.0.0.1:8000';
const client = createClient({ url, apiKey: '', connections: 16 });
const renderer = createRenderer(2, 4096 * 4096);
const probed = await probeEngine(client, {
  url,
  model: '',
  encoding: 'auto',
  frame: { width: REFERENCE_SIDE, height: REFERENCE_SIDE },
  family: QWEN3_VL,
  defaultQuery: TOPREWARD,
  sessionHeader: 'x-session-id',
  signal: AbortSignal.timeout(120_000),
});
const service = await startService(url);
let seed = Number(options.seed);

function planOf({ count }: Case): EpisodePlan {
  const clock = { fps: FPS };
  return planEpisode(
    { instruction: INSTRUCTION, prompt: 'open', clock },
    sampleSchedule(count, clock),
    prefixLengths(count),
  );
}

/** Makes new frames, as files to upload and as the engine receives them. */
async function prepare(episode: Case, encoding = probed.encoding): Promise<Prepared & { files: Buffer[] }> {
  const size = { width: episode.side, height: episode.side };
  seed += 1;
  const files = await syntheticEpisode(seed, episode.count, size, episode.format);
  const { signal } = new AbortController();
  const render = renderer.begin({ from: size, to: size, resampling: 'pillow-bicubic', encoding, place: {} }, signal);
  const rendered = files.map((bytes) => render({ bytes, kind: 'file', shared: true }));
  return { plan: planOf(episode), size, encoding, files, frames: new Map((await Promise.all(rendered)).entries()) };
}

async function measureLimit(episode: Case): Promise<Cost> {
  return sendAll(client, [longestBody(await prepare(episode), probed)]);
}

async function measureRequests(episode: Case): Promise<Cost> {
  const [longest, ...others] = allBodies(await prepare(episode), probed);
  const first = await sendAll(client, [longest as Body]);
  const rest = await sendAll(client, others);
  const sum = (read: (cost: Cost) => number) => read(first) + read(rest);
  return {
    ms: sum(({ ms }) => ms),
    requests: sum(({ requests }) => requests),
    bytes: sum(({ bytes }) => bytes),
    promptTokens: sum(({ promptTokens }) => promptTokens),
    computedTokens: sum(({ computedTokens }) => computedTokens),
    answers: [...first.answers, ...rest.answers],
  };
}

async function measureWholeVideos(episode: Case): Promise<Cost> {
  return sendAll(client, wholeVideoBodies(await prepare(episode, 'png'), probed, FPS));
}

async function measureService(
  episode: Case,
): Promise<{ cost: Figures; usage: RewardResult['usage']; mostBytes: number }> {
  const prepared = await prepare(episode);
  const asked = { instruction: INSTRUCTION, fps: FPS, frame_size: episode.frameSize };
  const body = multipart(asked, prepared.files, `image/${episode.format}`);
  const { answer, ms } = await post<RewardResult>(`${service.url}/v1/rewards`, body);
  const { usage } = answer;
  const cost = {
    ms,
    requests: usage.engine_requests,
    bytes: usage.engine_bytes,
    promptTokens: usage.prompt_tokens,
    computedTokens: usage.prompt_tokens - (usage.cached_tokens ?? 0),
  };
  const bytes = longestBody(prepared, probed).bytes * (1 + NAMES_SHARE) + unfinishedBytes(prepared, probed);
  return { cost, usage, mostBytes: Math.round(bytes) };
}

/** Measures all kinds once. Each turn starts with another kind. */
async function repeat(episode: Case, turn: number): Promise<Repetition> {
  const taken: { a?: Cost; b0?: Cost; b?: Awaited<ReturnType<typeof measureService>>; c?: Cost } = {};
  for (const i of KINDS.keys()) {
    const kind = KINDS[(turn + i) % KINDS.length];
    if (kind === 'a') taken.a = await measureLimit(episode);
    else if (kind === 'b0') taken.b0 = await measureRequests(episode);
    else if (kind === 'b') taken.b = await measureService(episode);
    else taken.c = await measureWholeVideos(episode);
  }
  const { a, b0, b, c } = taken as Required<typeof taken>;
  const shape = promptShape(a.answers[0]?.prompt_token_ids as number[], planOf(episode), probed);
  checkUncut(c, shape.queries);
  const extra = shape.unfinished.slice(1).reduce((sum, tokens) => sum + tokens + shape.question + KV_BLOCK, 0);
  return {
    a: figuresOf(a),
    b0: figuresOf(b0),
    b: b.cost,
    c: figuresOf(c),
    usage: b.usage,
    bounds: { computedTokens: (shape.queries[0] as number) + extra, bytes: b.mostBytes },
  };
}

function figuresOf({ answers: _, ...figures }: Cost): Figures {
  return figures;
}

/** Checks that a complete video has as many tokens as its blocks: by default vLLM drops frames of long videos. */
function checkUncut({ answers }: Cost, expected: number[]): void {
  for (const [query, { usage }] of answers.entries()) {
    const wanted = expected[query] as number;
    if (Math.abs(usage.prompt_tokens - wanted) <= 2) continue;
    throw new Error(`A video has ${usage.prompt_tokens} tokens, its blocks have ${wanted}: the engine dropped frames.`);
  }
}

interface Verdict {
  what: string;
  value: number;
  limit: number;
  ok: boolean;
}

function judge(repetitions: Repetition[]): Verdict[] {
  const over = median(repetitions.map(({ b0, b }) => b.ms / b0.ms));
  const most = (read: (repetition: Repetition) => number) => Math.max(...repetitions.map(read));
  const tokens = most(({ b, bounds }) => b.computedTokens / bounds.computedTokens);
  const bytes = most(({ b, bounds }) => b.bytes / bounds.bytes);
  const atMost = (what: string, value: number, limit: number) => ({ what, value, limit, ok: value <= limit });
  return [
    atMost('time b/b0, at most', over, OVER_REQUESTS),
    atMost('no block computed twice: tokens / bound, at most', tokens, 1),
    atMost('each frame sent once: bytes / bound, at most', bytes, 1),
  ];
}

const LABELS: Record<Kind, string> = {
  a: 'a   longest prefix only',
  b0: 'b0  engine requests of b',
  b: 'b   this service',
  c: 'c   complete videos',
};

function print(episode: Case, repetitions: Repetition[], verdicts: Verdict[]): void {
  const { name, count, side, format } = episode;
  console.log(`
${name}: ${count} frames of ${side}×${side} (${format}), ${planOf(episode).queries.length} prefixes`);
  const middle = (read: (repetition: Repetition) => number) => median(repetitions.map(read));
  const rows = KINDS.map((kind) => [
    LABELS[kind],
    middle((r) => r[kind].ms).toFixed(0),
    repetitions.map((r) => r[kind].ms.toFixed(0)).join(' '),
    middle((r) => r[kind].promptTokens),
    middle((r) => r[kind].computedTokens),
    middle((r) => r[kind].requests),
    (middle((r) => r[kind].bytes) / 1e6).toFixed(1),
  ]);
  console.log(table(['', 'median ms', 'each', 'prompt tokens', 'computed', 'requests', 'MB sent'], rows));
  const decoding = middle(({ usage }) => usage.decoding_ms);
  const engine = middle(({ usage }) => usage.engine_ms);
  const rest = middle(({ b, usage }) => b.ms - usage.decoding_ms - usage.engine_ms);
  const resends = repetitions.reduce((sum, { usage }) => sum + usage.engine_resends, 0);
  console.log(
    `Time of b: decoding ${decoding.toFixed(0)} ms, engine ${engine.toFixed(0)} ms, other ${rest.toFixed(0)} ms; ${resends} resends`,
  );
  const ratios = (read: (figures: Figures) => number) =>
    `b/a ${middle((r) => read(r.b) / read(r.a)).toFixed(2)}, c/b ${middle((r) => read(r.c) / read(r.b)).toFixed(2)}`;
  console.log(`Time: ${ratios(({ ms }) => ms)}; computed tokens: ${ratios((figures) => figures.computedTokens)}`);
  for (const { what, value, limit, ok } of verdicts)
    console.log(`${ok ? 'ok  ' : 'MISS'} ${what} ${limit}: ${value.toFixed(3)}`);
}

const report: { case: Case; repetitions: Repetition[]; verdicts: Verdict[] }[] = [];
try {
  for (const episode of CASES.filter(({ name }) => options.case.includes(name))) {
    // The first request of each kind is a warm-up.
    await repeat({ ...episode, count: 8 }, 0);
    const repetitions: Repetition[] = [];
    for (let turn = 0; turn < Number(options.repeat); turn += 1) repetitions.push(await repeat(episode, turn));
    const verdicts = judge(repetitions);
    print(episode, repetitions, verdicts);
    report.push({ case: episode, repetitions, verdicts });
  }
} finally {
  await service.stop();
  await renderer.close();
  await client.close();
}
if (options.json) await writeFile(options.json, JSON.stringify({ seed: options.seed, cases: report }, null, 2));
if (options.check && report.some(({ verdicts }) => verdicts.some(({ ok }) => !ok))) process.exitCode = 1;
