import type { ShownFrame } from '../../frames/frames.ts';
import { checkQuestion, tooLong } from '../../plan/context.ts';
import { countBlocks, type EpisodePlan } from '../../plan/plan.ts';
import { ProblemError } from '../../problems.ts';
import type { QueryScore, ScoreRequest } from '../engine.ts';
import type { FairGate } from '../fair-gate.ts';
import { framesMissing } from '../frames-missing.ts';
import { logProbFault } from '../log-probs.ts';
import { beginFrames, type ComingFrames } from '../render-frames.ts';
import { arrivalsOf } from './arrivals.ts';
import type { Checkpoint } from './checkpoint.ts';
import { domainWarnings } from './domain.ts';
import { type PromptTokens, promptTokens } from './prompt-tokens.ts';
import { type Answer, BlocksUnknown, taskOf } from './task.ts';
import { type ModelThread, ThreadEnded } from './thread.ts';

/** The parts of the engine that scoring uses. */
export interface ScoringContext {
  checkpoint: Checkpoint;
  thread: Pick<ModelThread, 'answers'>;
  gates: Gates;
}

/** One gate for each size of episode, so that a shorter episode never waits for longer ones. */
export interface Gates {
  step: FairGate;
  short: FairGate;
  long: FairGate;
}

/** Most tokens to compute for the gate `step`: enough for a step of a growing episode. */
const STEP_TOKENS = 512;
/** Most tokens to compute for the gate `short`: enough for an episode of several minutes with a few prefixes. */
const SHORT_TOKENS = 32_768;

/**
 * Scores an episode. This thread tokenizes the prompts and has the frames rendered. The model thread does the rest, and
 * begins while frames are still being rendered.
 * @throws ProblemError if a query cannot be scored; the signal's reason when it aborts
 */
export async function* scoreEpisode(
  request: ScoreRequest,
  { checkpoint, thread, gates }: ScoringContext,
): AsyncGenerator<QueryScore> {
  const { plan, tenant, usage } = request;
  const tokens = promptTokens(plan, checkpoint);
  checkQuestion(tokens.question.length, request.pointer);
  checkLength(request, tokens, checkpoint);
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const ends = new Map<number, Uint8Array>();
  let leave = () => {};
  let started: number | undefined;
  let failed: AbortSignal | undefined;
  try {
    const frames = await framesOf({ ...request, signal });
    const { coming, isHere, shown } = frames;
    failed = frames.failed;
    const going = AbortSignal.any([signal, failed]);
    const waiting = performance.now();
    const gate = gates[doorOf(tokensToCompute(tokens))];
    leave = await gate.enter({ tenant, episode: Symbol('episode') }, going);
    started = performance.now();
    usage.queuedMs += started - waiting;
    const arrivals = arrivalsOf(request, keepEnds(coming, plan, ends));
    const task = taskOf(request, tokens, isHere, checkpoint);
    try {
      for await (const answer of thread.answers(task, arrivals, going)) {
        usage.requests += 1;
        const score = scoreOf(answer);
        // The longest query comes first, so by now every frame has been rendered.
        if (answer.query === 0)
          yield { ...score, prompt: seenPrompt(tokens, checkpoint), warnings: warningsOf(request, ends, checkpoint) };
        else yield score;
      }
    } catch (error) {
      if (error instanceof BlocksUnknown) throw framesMissing(shown, plan.blocks.slice(error.known));
      throw error;
    }
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    throw problemOf(failed?.aborted ? failed.reason : error);
  } finally {
    stop.abort();
    leave();
    if (started !== undefined) usage.engineMs += performance.now() - started;
  }
}

/** The frames of an episode, for the model thread. */
interface FramesToShow {
  coming: ComingFrames;
  /** true if the pixels of this frame are here or will arrive */
  isHere(frame: number): boolean;
  /** frames that are already rendered or only named, by raw frame number */
  shown: Map<number, ShownFrame>;
  /** Aborts when a frame cannot be rendered. */
  failed: AbortSignal;
}

/**
 * Begins to render frames. If all frames are here, they go to the model one by one as they are rendered. If a growing
 * episode only names some of its frames, those that are here are rendered first: they are few, and then all missing
 * frames can be reported at once.
 * @throws ProblemError frames-missing, if a doubled block lacks its frame: the cache never holds doubled blocks
 */
async function framesOf(request: ScoreRequest): Promise<FramesToShow> {
  const { plan, frames } = request;
  // Count before rendering starts, because rendering releases the uploads.
  const isWhole = frames.held(plan.sampledFrames) === plan.sampledFrames.length;
  const { coming, failed } = await beginFrames(request, 'rgb');
  if (isWhole) {
    // Wait for the first frame here, before the episode occupies a gate: the frames of a video arrive only after all of
    // them are decoded.
    const first = await coming.next();
    return { coming: rejoined(first, coming), isHere: () => true, shown: new Map(), failed };
  }
  const shown = new Map(await Array.fromAsync(coming));
  const own = plan.queries.flatMap((query) => query.own ?? []);
  // Only the model thread knows which of the other blocks are cached. Report all missing frames at once.
  if (framesMissing(shown, own)) throw framesMissing(shown, [...plan.blocks, ...own]);
  const isHere = (frame: number) => shown.get(frame)?.bytes != null;
  return { coming: inOrder(shown), isHere, shown, failed };
}

async function* inOrder(shown: Map<number, ShownFrame>): ComingFrames {
  yield* shown;
}

async function* rejoined(first: IteratorResult<[number, ShownFrame]>, rest: ComingFrames): ComingFrames {
  if (!first.done) yield first.value;
  yield* rest;
}

/** Passes frames on. Keeps copies of the first and the last one, which the domain warnings need. */
async function* keepEnds(coming: ComingFrames, { sampledFrames }: EpisodePlan, ends: Map<number, Uint8Array>) {
  for await (const [index, frame] of coming) {
    const isEnd = index === sampledFrames[0] || index === sampledFrames.at(-1);
    if (isEnd && frame.bytes) ends.set(index, Uint8Array.from(frame.bytes));
    yield [index, frame] as [number, ShownFrame];
  }
}

function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof ThreadEnded) {
    const detail = 'The model thread ended while it scored this episode. Try again in a moment.';
    return new ProblemError('engine-unavailable', detail, { retry_after_s: 1 }, error);
  }
  return new ProblemError('engine-failed', 'The model failed on this episode. Tell the operator.', {}, error);
}

/** Checks the exact length of the longest prompt before a frame is decoded. @throws ProblemError context-exceeded */
function checkLength(
  { plan }: ScoreRequest,
  { blocks, doubled, question }: PromptTokens,
  { contextTokens }: Checkpoint,
): void {
  const all = doubled[0] ? [...blocks, doubled[0]] : blocks;
  let room = contextTokens - question.length;
  const fitting = all.findIndex((ids) => {
    room -= ids.length;
    return room < 0;
  });
  if (fitting >= 0) throw tooLong(plan.queries[0].framesUsed, 2 * fitting);
}

/** Shared blocks are computed once. Each query computes its doubled block and the prompt text after the blocks. */
function tokensToCompute({ blocks, doubled, question }: PromptTokens): number {
  const own = doubled.reduce((sum, ids) => sum + (ids?.length ?? 0) + question.length, 0);
  return blocks.reduce((sum, ids) => sum + ids.length, own);
}

function doorOf(tokens: number): keyof Gates {
  if (tokens <= STEP_TOKENS) return 'step';
  return tokens <= SHORT_TOKENS ? 'short' : 'long';
}

function seenPrompt({ blocks, doubled, question }: PromptTokens, { grid }: Checkpoint) {
  const tokenIds = [...blocks.flat(), ...(doubled[0] ?? []), ...question];
  return { layout: 'reference' as const, videoTokensPerBlock: grid.rows * grid.columns, tokenIds };
}

/** @param ends pixels of the first and the last sampled frame, if they are here */
function warningsOf({ plan, size }: ScoreRequest, ends: Map<number, Uint8Array>, { domain }: Checkpoint) {
  if (!domain) return [];
  const { instruction, queries } = plan;
  const pictures = [...ends.values()];
  return domainWarnings(domain, { instruction, pictures, size, blocks: countBlocks(queries[0]) });
}

/** @throws ProblemError engine-answer-unusable, for numbers that cannot come from a working model */
function scoreOf({ query, logProbs, promptTokens, cachedTokens }: Answer): QueryScore {
  const [logProbTrue = Number.NaN, logProbFalse = Number.NaN, ...others] = logProbs;
  const fault = logProbFault({ true: logProbTrue, false: logProbFalse }, others);
  if (!fault) return { query, logProbTrue, logProbFalse, promptTokens, cachedTokens };
  const detail = 'The numbers from the model are not usable, so the episode has no score. Tell the operator.';
  throw new ProblemError('engine-answer-unusable', detail, {}, new Error(fault));
}
