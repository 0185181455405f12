import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import sharp from 'sharp';
import type { Test } from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import { exampleProblem } from '../../schemas/problem-examples.ts';
import { PROBLEMS, type ProblemCode } from '../../schemas/problem-kinds.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine, ModelProfile, Reading, ScoreRequest } from '../../src/engine/engine.ts';
import { framesMissing } from '../../src/engine/frames-missing.ts';
import { renderFrames } from '../../src/engine/render-frames.ts';
import { blocksOf, type Query } from '../../src/plan/plan.ts';
import { frameFile } from '../support/images.ts';

/** No problem and no log line may contain words of it. */
export const INSTRUCTION = 'Open the zebra-striped drawer.';
export const EPISODE = { instruction: INSTRUCTION, fps: 2 };

/** One call of the engine by the HTTP side. */
export interface Call {
  request: ScoreRequest;
  /** RGB pixels that reached the engine, by frame number in the episode. */
  pixels: Map<number, Buffer>;
}

export interface StubEngine extends Engine {
  calls: Call[];
  /** Resolves with the next call as soon as it is made, before the engine reads its frames. */
  nextCall(): Promise<Call>;
  closed: boolean;
  /** Forgets all frames that it has received. */
  forget(): void;
}

interface StubOptions {
  until?: Promise<void>;
  unready?: () => Error | undefined;
  controlTokens?: string[];
  fault?: Error;
  before?: (query: number) => Promise<void> | undefined;
  order?: (queries: number[]) => number[];
  numbers?: (share: number) => [number, number];
}

/**
 * An engine in this process. Like the real one, it reads every sampled frame. It computes log probabilities from the
 * pixels: different pixels, times or instructions give different values. It remembers the frames that it has received.
 * @param options.until settles when the engine may respond to calls
 * @param options.unready returns the error that `describe` throws
 * @param options.controlTokens control tokens of its tokenizer, besides those that every model has
 * @param options.fault error that `score` throws
 * @param options.before the engine waits for it before it responds to a query
 * @param options.order order of the responses to the queries
 * @param options.numbers log probabilities of True and False, for a query's share of the longest query's frames
 */
export function stubEngine(options: StubOptions = {}): StubEngine {
  const calls: Call[] = [];
  const heard: ((call: Call) => void)[] = [];
  const memory = new Map<string, string>();

  async function* score(request: ScoreRequest): AsyncGenerator<Reading> {
    const { plan, frames, size, signal, usage } = request;
    const call: Call = { request, pixels: new Map() };
    calls.push(call);
    for (const hear of heard.splice(0)) hear(call);
    if (options.fault) throw options.fault;
    const digests = new Map<number, string>();
    const unknown: number[] = [];
    const shown = await renderFrames(request, 'rgb');
    for (const [index, { bytes, digest }] of shown) {
      const name = JSON.stringify([request.tenant, frames.size, size, digest]);
      if (bytes) {
        const pixels = Buffer.from(bytes);
        call.pixels.set(index, pixels);
        memory.set(name, createHash('sha256').update(pixels).digest('hex'));
      }
      const seen = memory.get(name);
      if (seen) digests.set(index, seen);
      else unknown.push(index);
    }
    const missing = framesMissing(
      shown,
      unknown.map((index) => ({ first: index, second: index, time: '' })),
    );
    if (missing) throw missing;
    const gone = rejected(signal);
    gone.catch(() => {});
    await Promise.race([options.until, options.until && gone]);
    const queries = [...plan.queries.keys()];
    for (const query of options.order?.(queries) ?? queries) {
      await Promise.race([options.before?.(query), gone]);
      usage.requests += 1;
      const each = plan.queries[query] as Query;
      const { framesUsed } = each;
      const blocks = blocksOf(plan, each);
      const seen = blocks.map(({ first, second, time }) => [digests.get(first), digests.get(second), time]);
      const numbers = options.numbers?.(framesUsed / plan.sampledFrames.length);
      const values = numbers ?? numbersOf([seen, request.instruction, plan.prompt]);
      const prompt = { layout: 'reference', videoTokensPerBlock: 64, tokenIds: [1, 2, 3] } as const;
      const common = { query, values, promptTokens: 70 * blocks.length, cachedTokens: 0 };
      yield query === 0 ? { ...common, prompt: { ...prompt, tokenIds: [...prompt.tokenIds] } } : common;
    }
  }

  const engine: StubEngine = {
    calls,
    closed: false,
    forget: () => memory.clear(),
    nextCall: () => new Promise((resolve) => heard.push(resolve)),
    describe() {
      const unready = options.unready?.();
      if (unready) throw unready;
      return PROFILE;
    },
    alive: () => true,
    async controlTokenIn(text) {
      return options.controlTokens?.find((token) => text.includes(token));
    },
    score,
    async close() {
      engine.closed = true;
    },
  };
  return engine;
}

const served = (space: string) => ({
  layout: 'reference' as const,
  answers: [[{ text: `${space}True`, id: 3082 }], [{ text: `${space}False`, id: 3557 }]],
});

const PROFILE: ModelProfile = {
  engine: { name: 'stub', version: '1' },
  family: 'qwen3-vl',
  model: 'stub-model',
  about: null,
  prompts: { open: served(' '), chat: served('') },
  onePass: true,
  referenceFrame: { width: 244, height: 244 },
  frameSizes: ['reference', 'native', 'budget'],
  frameEncoding: 'rgb',
  calibration: null,
  contextTokens: 32_768,
  maxBlocks: null,
  tokensPerBlock: 70,
};

function numbersOf(value: unknown): [number, number] {
  const hash = createHash('sha256').update(JSON.stringify(value)).digest();
  return [-(1 + hash.readUInt32BE(0)) / 2 ** 30, -(1 + hash.readUInt32BE(4)) / 2 ** 30];
}

export async function rgb(file: Uint8Array): Promise<Buffer> {
  return sharp(file).raw().toBuffer();
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Waits until a signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** The real app with the given settings. It is closed when the test ends. */
export async function buildTestApp(
  t: Test,
  settings: Record<string, string | number> = {},
  engine: Engine = stubEngine(),
  log?: FastifyBaseLogger,
): Promise<FastifyInstance> {
  const env = { RENDER_WORKERS: '1', ...settings };
  const config = loadConfig(Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])));
  const app = await buildApp(config, engine, log);
  t.teardown(() => app.close());
  return app;
}

/** An operation of the contract. */
export interface Operation {
  method: 'GET' | 'POST';
  url: string;
  /** whether it requires a key if `API_KEYS` is set */
  keyed: boolean;
}

/** Every operation of the contract: a new one is tested without a change in the tests. */
export async function operationsOf(app: FastifyInstance): Promise<Operation[]> {
  const { paths } = (await app.inject('/openapi.json')).json() as {
    paths: Record<string, Record<string, { security?: object[] }>>;
  };
  return Object.entries(paths).flatMap(([url, methods]) =>
    Object.entries(methods).map(([method, { security = [] }]) => ({
      method: method.toUpperCase() as Operation['method'],
      url,
      keyed: security.some((scheme) => 'apiKey' in scheme),
    })),
  );
}

/** Listens on a free port. @returns the port */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

export interface Load {
  active: number;
  waiting: number;
  bytes: number;
}

/** The load of the service, read from /metrics. */
export async function load(app: FastifyInstance): Promise<Load> {
  const { body } = await app.inject({ method: 'GET', url: '/metrics' });
  const read = (name: string) => Number(new RegExp(`^topreward_${name} (\\d+)`, 'm').exec(body)?.[1]);
  return { active: read('episodes_active'), waiting: read('episodes_waiting'), bytes: read('upload_bytes_held') };
}

/** A load that is not seen for this long does not come any more. */
const LOAD_MS = 20_000;

/** Checks after each turn of the event loop, until the service has this load. @throws Error if it never does */
export async function whenLoad(app: FastifyInstance, wanted: Partial<Load>): Promise<void> {
  const until = performance.now() + LOAD_MS;
  for (;;) {
    const seen = await load(app);
    if (Object.entries(wanted).every(([name, value]) => seen[name as keyof Load] === value)) return;
    if (performance.now() > until)
      throw new Error(`The load is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}.`);
    await new Promise(setImmediate);
  }
}

export interface Part {
  name: string;
  content: Buffer | string;
  filename?: string | undefined;
  type?: string | undefined;
}

export const BOUNDARY = 'b0undary';

/** A multipart body and its headers. */
export function multipart(parts: Part[]): { headers: Record<string, string>; payload: Buffer } {
  const pieces = parts.flatMap(({ content, ...part }) => [partHead(part), Buffer.from(content), Buffer.from('\r\n')]);
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    payload: Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]),
  };
}

export function partHead({ name, filename, type }: Omit<Part, 'content'>): Buffer {
  const file = filename === undefined ? '' : `; filename="${filename}"`;
  const typed = type === undefined ? '' : `Content-Type: ${type}\r\n`;
  return Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${typed}\r\n`);
}

export const episodePart = (episode: unknown): Part => ({ name: 'episode', content: JSON.stringify(episode) });
export const framePart = (content: Buffer): Part => ({ name: 'frames', content, filename: 'frame', type: 'image/png' });
export const npyPart = (content: Buffer): Part => ({ name: 'npy', content, filename: 'frames.npy' });

export interface Answer {
  statusCode: number;
  headers: IncomingHttpHeaders | Record<string, unknown>;
  body: string;
}

export async function postParts(
  app: FastifyInstance,
  parts: Part[],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const form = multipart(parts);
  return app.inject({
    method: 'POST',
    url: '/v1/rewards',
    payload: form.payload,
    headers: { ...form.headers, ...headers },
  });
}

/** Posts an episode with its frames, the episode first. */
export async function postEpisode(app: FastifyInstance, episode: unknown, frames?: Buffer[]): Promise<Answer> {
  const files = frames ?? [await frameFile()];
  return postParts(app, [episodePart(episode), ...files.map(framePart)]);
}

/** The result in a response. Fails the test if the status is not 200. */
export function resultOf(t: Test, answer: Answer): RewardResult {
  if (answer.statusCode !== 200) t.fail(`status ${answer.statusCode}: ${answer.body}`);
  return JSON.parse(answer.body);
}

/** A result without the members that can differ between two equal requests: times and ids. */
export function comparable({ usage: _, id: __, ...result }: RewardResult) {
  return result;
}

/**
 * Checks that a response is the expected problem, and that it has what all problems have in common.
 * @param place members that the problem must have, with their values
 */
export function isProblem(t: Test, answer: Answer, code: ProblemCode, place: Partial<Problem> = {}): Problem {
  const { status, title } = PROBLEMS[code];
  const problem: Problem = JSON.parse(answer.body);
  const expected = { type: `/problems/${code}`, title, status, code, ...place };
  const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, problem[name as keyof Problem]]));
  t.strictSame(seen, expected, `${code} ${JSON.stringify(place)}`);
  t.equal(answer.statusCode, status, 'status');
  t.equal(String(answer.headers['content-type']).split(';')[0], 'application/problem+json', 'content type');
  t.ok(problem.detail, 'the problem has a detail');
  t.equal(problem.instance, answer.headers['x-request-id'], 'the instance is the request id');
  t.notMatch(answer.body, /zebra/, 'no word of the instruction is repeated');
  const known = 'type title status code detail instance pointer frame part limit retry_after_s errors missing'.split(
    ' ',
  );
  t.strictSame(
    Object.keys(problem).filter((name) => !known.includes(name)),
    [],
    'the problem has no unknown members',
  );
  if (problem.retry_after_s !== undefined) {
    t.equal(String(answer.headers['retry-after']), String(problem.retry_after_s), 'Retry-After');
    t.ok(exampleProblem(code).retry_after_s, 'the contract declares Retry-After for this problem');
  }
  return problem;
}

/** If the service sends nothing for this time, the test fails. */
const SILENCE_MS = 5_000;

/** A connection on which a test writes the bytes of a request itself. */
export interface RawClient {
  socket: Socket;
  /** Writes the head of a POST. `contentLength` is the size of the body in bytes; `undefined` means a chunked body. */
  post(contentLength: number | undefined, headers?: Record<string, string>): void;
  /** The first response, when its head and its body have arrived. */
  answer(): Promise<Answer>;
}

export async function rawClient(t: Test, port: number, path = '/v1/rewards'): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  return {
    socket,
    post(contentLength, headers = {}) {
      const length =
        contentLength === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': contentLength };
      const all = {
        host: '127.0.0.1',
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
        ...length,
        ...headers,
      };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    },
    async answer() {
      for (;;) {
        const whole = parseAnswer(text);
        if (whole) return whole;
        if (socket.readableEnded || socket.destroyed) throw new Error(`The connection was closed after: ${text}`);
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      }
    },
  };
}

function parseAnswer(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => field.toLowerCase().split(': ', 2) as [string, string]));
  const body = text.slice(end + 4);
  if (Buffer.byteLength(body) < Number(headers['content-length'] ?? 0)) return undefined;
  return { statusCode: Number(line.split(' ')[1]), headers, body };
}
