import type { Arrivals } from './arrivals.ts';
import type { BlockCache } from './cache.ts';
import type { VideoGrid } from './checkpoint.ts';
import type { Model, Segment } from './model.ts';
import { type KeysValues, type Past, type Pasts, sliceTokens } from './past.ts';
import { positionsOf } from './positions.ts';
import { type Answer, BlocksUnknown, type BlockTask, type LikelyToken, type QueryTask, type Task } from './task.ts';

/** The resources that the passes of all episodes share. */
interface PassContext {
  model: Model;
  grid: VideoGrid;
  cache: BlockCache;
  pasts: Pasts;
  /** most new tokens of one call; a single block or query may have more (docs/reference/embedded-engine.md) */
  chunk: { blocks: number; queries: number };
}

/**
 * Sizes of the first calls, as fractions of a chunk: the model begins while frames are still being decoded. Sizes do
 * not depend on how many frames have arrived, so that the same episode always gives exactly the same numbers.
 */
const FIRST_CALLS = [0.25, 0.5];

/**
 * Scores an episode in one pass. First it computes the shared blocks that the cache does not hold, a few at a time as
 * their frames arrive. Then it runs every query over its own prefix of the blocks, several queries per call, the
 * longest first. A single query, as in a step of a growing episode, goes into the same call as the last blocks. When
 * the signal aborts, the work stops between two calls, and the cache keeps the blocks computed so far.
 * @throws BlocksUnknown, before anything is computed
 */
export async function* answerTask(
  task: Task,
  arrivals: Arrivals,
  context: PassContext,
  signal: AbortSignal,
): AsyncGenerator<Answer> {
  const { model, grid, cache, pasts, chunk } = context;
  const { blocks, queries } = task;
  const marks = marksOf(blocks, grid);
  const chain: string[] = [];
  const known = await findKnown(blocks.length, chain, arrivals, cache);
  // This does not count as a use of the episode: the caller sends it again at once, with the frames.
  if (!blocks.slice(known.length).every(({ isHere }) => isHere)) throw new BlocksUnknown(known.length);
  const { past, holds } = pasts.open(chain.slice(0, known.length), marks.after(blocks.length).tokens);
  for (const block of known.slice(holds)) past.append(block);
  const length = ({ own, text }: QueryTask) => tokensOf(own) + text.length;
  const [longest] = queries;
  const together = queries.length === 1 ? chunk.blocks - length(longest) : 0;
  const computed: KeysValues[] = [];
  let answered: number[][][] | undefined;
  try {
    for (let calls = 0; known.length + computed.length < blocks.length; calls += 1) {
      const place = known.length + computed.length;
      const limit = chunk.blocks * (FIRST_CALLS[calls] ?? 1);
      const [some = []] = chunked(blocks.slice(place), ({ ids }) => ids.length, limit);
      const isLast = place + some.length === blocks.length;
      const withQuestion = isLast && tokensOf(some) <= together ? longest : undefined;
      const read = await appendBlocks(some, withQuestion, { past, place, marks, arrivals }, task, model, signal);
      for (const i of some.keys()) chain[place + i] = await arrivals.link(place + i);
      computed.push(...read.blocks);
      answered = read.logProbs;
    }
  } finally {
    const blocksKept = [...known, ...computed];
    cache.keep(chain.slice(0, blocksKept.length), blocksKept, task.tenant, blocks.length);
  }

  const cached = marks.after(known.length).tokens;
  try {
    // A query that reads the complete vocabulary has a call of its own, because all rows of a call have the same length.
    const size = (each: QueryTask) => (each.top > 0 ? Number.POSITIVE_INFINITY : length(each));
    for (const some of chunked(queries, size, chunk.queries)) {
      const logProbs = answered ?? (await ask(some, { past, marks, arrivals }, task, model, signal));
      for (const [i, each] of some.entries()) {
        const { tokens } = marks.after(each.sees);
        const read = logProbs[i];
        const last = read?.at(-1);
        if (!read || !last) throw new Error('The decoder returned no log probabilities for a query.');
        const answers = each.answers.at(-1)?.length ?? 0;
        yield {
          query: each.query,
          logProbs: read.map((row, place) => row.slice(0, (each.answers[place]?.length ?? 0) + 1)),
          ...(each.top > 0 && { top: mostLikely(last.slice(answers + 1), each.top) }),
          promptTokens: tokens + length(each),
          // The first query includes the cost of the shared blocks. For the others these are already computed.
          cachedTokens: each === queries[0] ? Math.min(cached, tokens) : tokens,
        };
      }
    }
  } finally {
    const ends = chain.map((link, place) => ({ link, tokens: marks.after(place + 1).tokens }));
    pasts.close(past, ends);
  }
}

/**
 * Reads the keys and values of the cached blocks, from the first block up to the first gap.
 * @param count how many shared blocks the episode has
 * @param chain receives the links of the cached blocks, and of the first block that is not cached
 */
async function findKnown(count: number, chain: string[], arrivals: Arrivals, cache: BlockCache): Promise<KeysValues[]> {
  const known: KeysValues[] = [];
  while (known.length < count) {
    const link = await arrivals.link(known.length);
    chain.push(link);
    const [block] = cache.find([link]);
    if (!block) break;
    known.push(block);
  }
  return known;
}

/** Waits for the frames of each block. @throws Error if the caller only named one */
async function pixelsOf(blocks: BlockTask[], arrivals: Arrivals): Promise<Uint8Array[][]> {
  const pixels = async (frame: number) => {
    const found = await arrivals.pixels(frame);
    if (found) return found;
    throw new Error('A block to compute lacks the pixels of a frame.');
  };
  return Promise.all(blocks.map(({ frames }) => Promise.all(frames.map(pixels))));
}

/** The length of the prompt after a number of shared blocks: its tokens, and the position of the next token. */
interface Mark {
  tokens: number;
  position: number;
}

/** The marks of an episode's shared blocks. */
interface Marks {
  /** @param count how many of the shared blocks @throws RangeError if there are fewer */
  after(count: number): Mark;
}

function marksOf(blocks: BlockTask[], grid: VideoGrid): Marks {
  let last: Mark = { tokens: 0, position: 0 };
  const marks = [last];
  for (const { ids } of blocks) {
    last = { tokens: last.tokens + ids.length, position: positionsOf(ids, last.position, grid).next };
    marks.push(last);
  }
  return {
    after(count) {
      const mark = marks[count];
      if (!mark) throw new RangeError(`The episode does not have ${count} shared blocks.`);
      return mark;
    },
  };
}

/**
 * Computes some blocks and appends them to the past. If a query is given, it is computed in the same call.
 * @param asked the query that follows the last of these blocks
 * @returns the keys and values of each block; the log probabilities of the query
 */
async function appendBlocks(
  blocks: BlockTask[],
  asked: QueryTask | undefined,
  { past, place, marks, arrivals }: { past: Past; place: number; marks: Marks; arrivals: Arrivals },
  task: Task,
  model: Model,
  signal: AbortSignal,
): Promise<{ blocks: KeysValues[]; logProbs: number[][][] | undefined }> {
  signal.throwIfAborted();
  const seen = [...blocks, ...(asked?.own ?? [])];
  const features = await model.encodeFrames(await pixelsOf(seen, arrivals));
  signal.throwIfAborted();
  const before = marks.after(place);
  const ids = [...seen.flatMap((block) => block.ids), ...(asked?.text ?? [])];
  const segment = { ids, start: before.position, sees: before.tokens, features };
  const rows = asked ? rowsOf([asked], task) : [[[task.checkToken]]];
  const { new: all, logProbs } = await model.read([segment], past.view(before.tokens), rows);
  const kept = blocks.map((_, i) => {
    const [from, to] = [marks.after(place + i), marks.after(place + i + 1)];
    return sliceTokens(all, from.tokens - before.tokens, to.tokens - before.tokens, model.width);
  });
  for (const block of kept) past.append(block);
  return { blocks: kept, logProbs: asked && logProbs };
}

/** Runs some queries in one call. @returns for each query and list of answers their log probabilities */
async function ask(
  queries: QueryTask[],
  { past, marks, arrivals }: { past: Past; marks: Marks; arrivals: Arrivals },
  task: Task,
  model: Model,
  signal: AbortSignal,
): Promise<number[][][]> {
  signal.throwIfAborted();
  const own = queries.flatMap((each) => each.own);
  const features = own.length > 0 ? await model.encodeFrames(await pixelsOf(own, arrivals)) : new Float32Array();
  const width = features.length / Math.max(1, own.length);
  signal.throwIfAborted();
  let at = 0;
  const segments = queries.map((each): Segment => {
    const { tokens, position } = marks.after(each.sees);
    const from = at;
    at += each.own.length * width;
    return {
      ids: [...each.own.flatMap(({ ids }) => ids), ...each.text],
      start: position,
      sees: tokens,
      features: features.subarray(from, at),
    };
  });
  const longest = Math.max(...segments.map(({ sees }) => sees));
  return (await model.read(segments, past.view(longest), rowsOf(queries, task))).logProbs;
}

/** What the graph reads for some queries. All rows of a call have the same length: shorter ones repeat the check token. */
function rowsOf(queries: QueryTask[], task: Task): number[][][] {
  const rows = queries.map((each) => tokensToRead(each, task));
  const most = Math.max(...rows.flat().map((row) => row.length));
  const padded = (row: number[]) => [...row, ...Array<number>(most - row.length).fill(task.checkToken)];
  return rows.map((each) => each.map(padded));
}

/**
 * Tokens whose log probability a query reads, for each list of its answers: these, the check token and, for the most likely ones, the
 * complete vocabulary.
 */
function tokensToRead({ answers, top }: QueryTask, { checkToken, vocabulary }: Task): number[][] {
  return answers.map((each) => [...each, checkToken, ...(top > 0 ? Array(vocabulary).keys() : [])]);
}

/**
 * The most likely tokens of a vocabulary, the most likely one first.
 * @param logProbs of every token, by its id
 * @param count how many
 */
function mostLikely(logProbs: number[], count: number): LikelyToken[] {
  const top: LikelyToken[] = [];
  for (const [id, logProb] of logProbs.entries()) {
    const last = top.at(-1);
    if (top.length === count && last && last.logProb >= logProb) continue;
    const place = top.findIndex((each) => each.logProb < logProb);
    top.splice(place < 0 ? top.length : place, 0, { id, logProb });
    if (top.length > count) top.pop();
  }
  return top;
}

function tokensOf(blocks: BlockTask[]): number {
  return blocks.reduce((sum, { ids }) => sum + ids.length, 0);
}

/**
 * Splits a list into runs of consecutive values whose total size stays within a limit; each run has at least one value.
 */
function* chunked<Value>(values: Value[], sizeOf: (value: Value) => number, limit: number): Generator<Value[]> {
  let chunk: Value[] = [];
  let size = 0;
  for (const value of values) {
    if (chunk.length > 0 && size + sizeOf(value) > limit) {
      yield chunk;
      [chunk, size] = [[], 0];
    }
    chunk.push(value);
    size += sizeOf(value);
  }
  if (chunk.length > 0) yield chunk;
}
