import { createHash } from 'node:crypto';
import type { Engine, Reading, ScoreRequest } from '../../src/engine/engine.ts';
import { framesMissing } from '../../src/engine/frames-missing.ts';
import { renderFrames } from '../../src/engine/render-frames.ts';
import type { ServedModel, ServedPrompt } from '../../src/engine/served-model.ts';
import { QWEN3_VL } from '../../src/families/qwen3-vl/family.ts';
import { blocksOf, idsToRead, type Query, type Read } from '../../src/plan/plan.ts';

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
  numbers?: (share: number, request: ScoreRequest) => [number, number];
  following?: (share: number, place: number) => number;
  words?: RegExp;
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
 * @param options.numbers log probabilities of True and False, for a query's share of the longest query's frames, and its request
 * @param options.following log probability of a token of a text that follows the prompt, for the same share, by its place in the text
 * @param options.words matches the tokens of a text; by default words with the spaces before them
 */
export function stubEngine(options: StubOptions = {}): StubEngine {
  const calls: Call[] = [];
  const heard: ((call: Call) => void)[] = [];
  const memory = new Map<string, string>();
  /** texts of the tokens so far */
  const words = new Map<number, string>();

  async function* score(request: ScoreRequest): AsyncGenerator<Reading> {
    const { plan, frames, signal, usage } = request;
    const call: Call = { request, pixels: new Map() };
    calls.push(call);
    for (const hear of heard.splice(0)) hear(call);
    if (options.fault) throw options.fault;
    const digests = new Map<string, string>();
    for (const [group, shown] of (await renderFrames(request, plan.frameGroups, 'rgb')).entries()) {
      const unknown: number[] = [];
      for (const [index, { bytes, digest }] of shown) {
        const { size, resampling } = plan.frameGroups[group] ?? plan.frameGroups[0];
        const name = JSON.stringify([request.tenant, frames.size, size, resampling, digest]);
        if (bytes) {
          const pixels = Buffer.from(bytes);
          call.pixels.set(index, pixels);
          memory.set(name, createHash('sha256').update(pixels).digest('hex'));
        }
        const seen = memory.get(name);
        if (seen) digests.set(`${group}/${index}`, seen);
        else unknown.push(index);
      }
      const missing = framesMissing(
        shown,
        unknown.map((index) => ({ frames: [index] })),
      );
      if (missing) throw missing;
    }
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
      const digestOf = (index: number) => digests.get(`${each.frameGroup}/${index}`);
      const seen = blocks.map((block) => [...block.frames.map(digestOf), block.time]);
      const numbers = options.numbers?.(framesUsed / plan.queries[0].framesUsed, request);
      const pair = numbers ?? numbersOf([seen, request.instruction, plan.prompt]);
      const { following } = options;
      const values =
        following && 'follows' in each.read
          ? idsToRead(each.read).flatMap((ids, place) =>
              ids.map(() => following(framesUsed / plan.queries[0].framesUsed, place)),
            )
          : valuesOf(each.read, pair, (...parts) => numbersOf([seen, ...parts])[0]);
      const prompt = { layout: 'reference', videoTokensPerBlock: 64, tokenIds: [1, 2, 3] } as const;
      const common = { query, values, promptTokens: 70 * blocks.length, cachedTokens: 0 };
      const top =
        !('top' in each.read) || each.read.top === undefined
          ? {}
          : { top: [{ text: ' True', id: 3082, log_prob: pair[0] }] };
      yield query === 0 ? { ...common, ...top, prompt: { ...prompt, tokenIds: [...prompt.tokenIds] } } : common;
    }
  }

  const engine: StubEngine = {
    queues: {},
    calls,
    closed: false,
    forget: () => memory.clear(),
    nextCall: () => new Promise((resolve) => heard.push(resolve)),
    describe() {
      const unready = options.unready?.();
      if (unready) throw unready;
      return SERVED;
    },
    alive: () => true,
    async tokenIdsOf(text) {
      return (text.match(options.words ?? / ?[^ ]+| +/g) ?? []).map((word) => {
        const id = STUB_TOKENS[word.trim()] ?? hashOf(word);
        words.set(id, word);
        return id;
      });
    },
    async textOf(ids) {
      return ids.map((id) => words.get(id)).join('');
    },
    async controlTokenIn(text) {
      return options.controlTokens?.find((token) => text.includes(token));
    },
    score,
    async generate() {
      throw new Error('The stub writes no text.');
    },
    async close() {
      engine.closed = true;
    },
  };
  return engine;
}

/** Like many tokenizers, it has a token for each word. It ignores the space before these two. */
const STUB_TOKENS: Record<string, number> = { True: 3082, False: 3557 };

const hashOf = (word: string) => 10_000 + createHash('sha256').update(word).digest().readUInt16BE(0);

const servedPrompt = (space: string): ServedPrompt => ({
  layout: 'reference',
  answers: [[{ text: `${space}True`, id: 3082 }], [{ text: `${space}False`, id: 3557 }]],
});

const SERVED: ServedModel = {
  engine: { name: 'stub', version: '1' },
  family: QWEN3_VL,
  model: 'stub-model',
  about: null,
  prompts: { open: servedPrompt(' '), chat: servedPrompt('') },
  onePass: true,
  referenceFrame: { width: 244, height: 244 },
  frameSizes: ['reference', 'native', 'budget'],
  frameEncoding: 'rgb',
  calibration: null,
  contextTokens: 32_768,
  maxBlocks: null,
  tokensPerBlock: 70,
  generation: { unavailable: 'The stub writes no text.' },
};

/** What a query reads: the pair of the longest query for True and False, and values of their own for everything else. */
function valuesOf(read: Read, pair: [number, number], own: (...parts: unknown[]) => number): number[] {
  if ('follows' in read)
    return idsToRead(read).flatMap((ids, i) => ids.map((id) => own(read.follows.ids.slice(0, i), id)));
  const { answers, start } = read;
  return answers.length === 2 && !start ? pair : answers.map((set, i) => own(set, start?.ids, i));
}

function numbersOf(value: unknown): [number, number] {
  const hash = createHash('sha256').update(JSON.stringify(value)).digest();
  return [-(1 + hash.readUInt32BE(0)) / 2 ** 30, -(1 + hash.readUInt32BE(4)) / 2 ** 30];
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
