import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import type { PromptVariant } from '../../../schemas/enumerations.ts';
import { loadConfig } from '../../../src/config/config.ts';
import type { ScoreRequest } from '../../../src/engine/engine.ts';
import { type Arrival, type Arrivals, arrivalsOf, createArrivals } from '../../../src/engines/embedded/arrivals.ts';
import { type BlockCache, createBlockCache } from '../../../src/engines/embedded/cache.ts';
import { type Checkpoint, readCheckpoint } from '../../../src/engines/embedded/checkpoint.ts';
import { type Model, openModel } from '../../../src/engines/embedded/model.ts';
import { answerTask } from '../../../src/engines/embedded/pass.ts';
import { createPasts, type Pasts } from '../../../src/engines/embedded/past.ts';
import { promptTokens } from '../../../src/engines/embedded/prompt-tokens.ts';
import { type Answer, taskOf } from '../../../src/engines/embedded/task.ts';
import { sampleSchedule } from '../../../src/episode/schedule.ts';
import type { RenderedFrame } from '../../../src/frames/render-worker.ts';
import type { EpisodePlan, Query, Read } from '../../../src/plan/plan.ts';
import { planEpisode } from '../../support/plans.ts';

/** The model under test: the bundled model, or the export that MODEL_DIR names. */
export const { MODEL_DIR } = loadConfig({ MODEL_DIR: process.env['MODEL_DIR'] });

export const INSTRUCTION = 'Open the zebra-striped drawer.';

/** At 2 fps every frame is sampled. */
export const CLOCK = { fps: 2 };

/** Opens the checkpoint in this process, and closes it when the test ends. */
export async function openCheckpoint(t: Test): Promise<{ checkpoint: Checkpoint; model: Model }> {
  const checkpoint = await readCheckpoint(MODEL_DIR);
  const model = await openModel(MODEL_DIR, checkpoint.grid, 1);
  t.teardown(() => model.close());
  return { checkpoint, model };
}

/** Makes smooth RGB frames. All frames of one seed differ, and so do the frames of different seeds. */
export function pictures(
  count: number,
  seed: number,
  { frame }: Pick<Checkpoint, 'frame'>,
): Map<number, RenderedFrame> {
  return new Map(Array.from({ length: count }, (_, index) => [index, picture(index, seed, frame)]));
}

function picture(index: number, seed: number, { width, height }: Checkpoint['frame']): RenderedFrame {
  const bytes = new Uint8Array(width * height * 3);
  for (let i = 0; i < bytes.length; i += 1) {
    const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    bytes[i] =
      127 + 90 * Math.sin((x * (seed + 1)) / 17 + index / 2 + c) * Math.cos((y + seed * 5) / (9 + c) - index / 3);
  }
  return { bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}

/** Yields frames as the renderer does. */
export async function* shownIn(
  indices: number[],
  frames: Map<number, RenderedFrame>,
): AsyncGenerator<[number, RenderedFrame]> {
  for (const index of indices) yield [index, frames.get(index) as RenderedFrame];
}

/** A request to an engine about the first frames of an episode. Frames are rendered as the renderer does. */
export function requestOf(
  plan: EpisodePlan,
  frameCount: number,
  checkpoint: Pick<Checkpoint, 'frame'>,
  signal = new AbortController().signal,
): ScoreRequest {
  const usage = { requests: 0, resends: 0, bytes: 0, queuedMs: 0, decodingMs: 0, engineMs: 0 };
  const each = () => shownIn(plan.sampledFrames, pictures(frameCount, 1, checkpoint));
  const render = async () => ({ waitedMs: 0, tookMs: () => 0, failed: new AbortController().signal, each });
  const frames = { size: checkpoint.frame, countUploaded: (indices: number[]) => indices.length, render } as never;
  // The embedded engine serves one model for its lifetime, so it does not look at it.
  const served = {} as never;
  const places = { pointer: '', episodePointer: '' };
  return { served, plan, frames, instruction: INSTRUCTION, tenant: 'a', ...places, signal, usage };
}

export interface Asking {
  checkpoint: Checkpoint;
  model: Model;
  frames: Map<number, RenderedFrame>;
  /** lengths of the prefixes, in frames at 2 fps */
  lengths: number[];
  prompt?: PromptVariant;
  /** texts of the answers that each query reads, the longest query first; by default those of TOPReward */
  answers?: string[][];
  /** what every query reads, instead of answers; or what each one reads, the longest query first */
  read?: Read;
  reads?: readonly (Read | undefined)[];
  tenant?: string;
  cache?: BlockCache;
  pasts?: Pasts;
  chunk?: { blocks: number; queries: number };
  signal?: AbortSignal;
  /** Called before each frame arrives. Without it, all frames arrive before the pass starts. */
  arrive?: (frame: number) => Promise<void>;
}

/** Scores prefixes as the model thread does. @returns results by prefix length */
export async function ask(asking: Asking): Promise<Map<number, Answer>> {
  const { checkpoint, model, frames, lengths, prompt = 'open', tenant = 'a' } = asking;
  const { cache = createBlockCache(0), chunk = { blocks: 384, queries: 256 } } = asking;
  const { signal = new AbortController().signal, pasts = createPasts(model.width) } = asking;
  const frameCount = lengths.at(-1) as number;
  const plan = planEpisode(
    { instruction: INSTRUCTION, prompt, clock: CLOCK },
    sampleSchedule(frameCount, CLOCK),
    lengths,
  );
  for (const [i, texts] of (asking.answers ?? []).entries())
    (plan.queries[i] as Query).read = { answers: texts.map((text) => [text]) };
  for (const [i, query] of plan.queries.entries()) query.read = asking.read ?? asking.reads?.[i] ?? query.read;
  const named = { blocks: plan.blocks, tenant, source: checkpoint.frame };
  const task = taskOf(tenant, promptTokens(plan, checkpoint), (frame) => frames.has(frame), checkpoint);
  const arrivals = createArrivals();
  const coming = bring(arrivals, arrivalsOf(named, shownIn(plan.sampledFrames, frames)), asking.arrive);
  if (!asking.arrive) await coming;
  const answers: Answer[] = [];
  for await (const answer of answerTask(task, arrivals, { model, grid: checkpoint.grid, cache, pasts, chunk }, signal))
    answers[answer.query] = answer;
  return new Map(plan.prefixes.map(({ length, query }) => [length, answers[query] as Answer]));
}

async function bring(arrivals: Arrivals, each: AsyncIterable<Arrival>, arrive?: Asking['arrive']): Promise<void> {
  try {
    for await (const arrival of each) {
      await arrive?.(arrival.frame);
      arrivals.put(arrival);
    }
  } catch (error) {
    arrivals.end(error as Error);
  }
}

/** Wraps a model and counts its calls, blocks and tokens. */
export function counted(model: Model) {
  const seen = { blocks: 0, tokens: 0, calls: 0 };
  const counting: Model = {
    ...model,
    encodeFrames(blocks) {
      seen.calls += 1;
      seen.blocks += blocks.length;
      return model.encodeFrames(blocks);
    },
    read(segments, past, answers) {
      seen.calls += 1;
      seen.tokens += segments.reduce((sum, { ids }) => sum + ids.length, 0);
      return model.read(segments, past, answers);
    },
  };
  return { seen, model: counting };
}

/** Largest difference between the log probabilities of two results, in nats. */
export function distance(one: Answer | undefined, other: Answer | undefined): number {
  if (!one || !other) return Number.NaN;
  const others = other.logProbs.flat();
  return Math.max(...one.logProbs.flat().map((value, i) => Math.abs(value - (others[i] as number))));
}
