import type { Arrivals } from './arrivals.ts';
import type { BlockCache } from './cache.ts';
import type { VideoGrid } from './checkpoint.ts';
import type { Model, Segment } from './model.ts';
import { type KeysValues, type Past, type Pasts, sliceTokens } from './past.ts';
import { positionsOf } from './positions.ts';
import { type Answer, BlocksUnknown, type BlockTask, type QuestionTask, type Task } from './task.ts';

/** What the passes of all episodes share. */
export interface PassContext {
  model: Model;
  grid: VideoGrid;
  cache: BlockCache;
  pasts: Pasts;
  /** most new tokens of one call, but for a single block or question that has more; see docs/embedded.md */
  chunk: { blocks: number; questions: number };
}

/**
 * Parts of a chunk that the first calls take: the model begins while frames are being decoded. Not as many as are there, since
 * the same episode should give the same numbers to the last bit.
 */
const FIRST_CALLS = [0.25, 0.5];

/**
 * Scores an episode in one pass: the shared blocks, as far as the cache does not hold them, a few at a time as their frames
 * arrive; then every question over its own prefix of them, several at a time, the longest first. A single question, as a step of
 * a growing episode asks, is read together with its last blocks. Stops between two calls when the signal aborts; what was
 * computed until then is kept.
 * @throws BlocksUnknown, before anything is computed
 */
export async function* answerTask(
  task: Task,
  arrivals: Arrivals,
  context: PassContext,
  signal: AbortSignal,
): AsyncGenerator<Answer> {
  const { model, grid, cache, pasts, chunk } = context;
  const { blocks, questions, question } = task;
  const marks = marksOf(blocks, grid);
  const end = marks.at(-1) as Mark;
  const chain: string[] = [];
  const known = await findKnown(blocks.length, chain, arrivals, cache);
  // Not a use of the episode yet: it comes again at once, with the frames.
  if (!blocks.slice(known.length).every(({ isHere }) => isHere)) throw new BlocksUnknown(known.length);
  const { past, holds } = pasts.open(chain.slice(0, known.length), end.tokens);
  for (const block of known.slice(holds)) past.append(block);
  const length = ({ own }: QuestionTask) => (own?.ids.length ?? 0) + question.length;
  const [longest] = questions as [QuestionTask];
  const together = questions.length === 1 ? chunk.blocks - length(longest) : 0;
  const computed: KeysValues[] = [];
  let answered: number[][] | undefined;
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

  const cached = (marks[known.length] as Mark).tokens;
  try {
    for (const some of chunked(questions, length, chunk.questions)) {
      const logProbs = answered ?? (await ask(some, { past, marks, arrivals }, task, model, signal));
      for (const [i, each] of some.entries()) {
        const { tokens } = marks[each.sees] as Mark;
        yield {
          query: each.query,
          logProbs: logProbs[i] as number[],
          promptTokens: tokens + length(each),
          // The first question pays for the shared blocks; the others find them done.
          cachedTokens: each === questions[0] ? Math.min(cached, tokens) : tokens,
        };
      }
    }
  } finally {
    const ends = chain.map((link, place) => ({ link, tokens: (marks[place + 1] as Mark).tokens }));
    pasts.close(past, ends);
  }
}

/**
 * Keys and values of the blocks that are known, from the first on and without a gap.
 * @param count of the blocks
 * @param chain gets the links of those, and of the first one that is not known
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

async function pixelsOf(blocks: BlockTask[], arrivals: Arrivals): Promise<[Uint8Array, Uint8Array][]> {
  const frames = blocks.map(({ first, second }) => Promise.all([arrivals.pixels(first), arrivals.pixels(second)]));
  return (await Promise.all(frames)) as [Uint8Array, Uint8Array][];
}

/** Where the prompt stands after so many shared blocks: tokens, and the position of the next one. */
interface Mark {
  tokens: number;
  position: number;
}

function marksOf(blocks: BlockTask[], grid: VideoGrid): Mark[] {
  const marks: Mark[] = [{ tokens: 0, position: 0 }];
  for (const { ids } of blocks) {
    const { tokens, position } = marks.at(-1) as Mark;
    marks.push({ tokens: tokens + ids.length, position: positionsOf(ids, position, grid).next });
  }
  return marks;
}

/**
 * Looks at some blocks and reads them onto the past, with the question that follows the last of them if that is given.
 * @returns the keys and values of each block; the question's log probabilities
 */
async function appendBlocks(
  blocks: BlockTask[],
  asked: QuestionTask | undefined,
  { past, place, marks, arrivals }: { past: Past; place: number; marks: Mark[]; arrivals: Arrivals },
  { question, answers }: Task,
  model: Model,
  signal: AbortSignal,
): Promise<{ blocks: KeysValues[]; logProbs: number[][] | undefined }> {
  signal.throwIfAborted();
  const seen = asked?.own ? [...blocks, asked.own] : blocks;
  const features = await model.look(await pixelsOf(seen, arrivals));
  signal.throwIfAborted();
  const before = marks[place] as Mark;
  const ids = [...seen.flatMap((block) => block.ids), ...(asked ? question : [])];
  const segment = { ids, start: before.position, sees: before.tokens, features };
  const { new: all, logProbs } = await model.read([segment], past.view(before.tokens), answers);
  const kept = blocks.map((_, i) => {
    const [from, to] = [marks[place + i] as Mark, marks[place + i + 1] as Mark];
    return sliceTokens(all, from.tokens - before.tokens, to.tokens - before.tokens, model.width);
  });
  for (const block of kept) past.append(block);
  return { blocks: kept, logProbs: asked && logProbs };
}

/** Asks about some prefixes at once. @returns log probabilities of the answers, for each */
async function ask(
  questions: QuestionTask[],
  { past, marks, arrivals }: { past: Past; marks: Mark[]; arrivals: Arrivals },
  { question, answers }: Task,
  model: Model,
  signal: AbortSignal,
): Promise<number[][]> {
  signal.throwIfAborted();
  const own = questions.flatMap((each) => each.own ?? []);
  const features = own.length > 0 ? await model.look(await pixelsOf(own, arrivals)) : new Float32Array();
  const width = features.length / Math.max(1, own.length);
  signal.throwIfAborted();
  const segments = questions.map((each): Segment => {
    const { tokens, position } = marks[each.sees] as Mark;
    const at = each.own ? own.indexOf(each.own) : 0;
    return {
      ids: [...(each.own?.ids ?? []), ...question],
      start: position,
      sees: tokens,
      features: each.own ? features.subarray(at * width, (at + 1) * width) : new Float32Array(),
    };
  });
  const longest = Math.max(...segments.map(({ sees }) => sees));
  return (await model.read(segments, past.view(longest), answers)).logProbs;
}

function tokensOf(blocks: BlockTask[]): number {
  return blocks.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** Neighbours together, as many as stay within a size, at least one. */
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
