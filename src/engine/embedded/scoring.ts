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

/** What scoring needs of the engine around it. */
export interface ScoringContext {
  checkpoint: Checkpoint;
  thread: Pick<ModelThread, 'answers'>;
  gates: Gates;
}

/** Three doors: however many longer episodes wait, a shorter one does not wait for them. */
export interface Gates {
  step: FairGate;
  short: FairGate;
  long: FairGate;
}

/** Tokens to compute, at most: a step of a growing episode, and an episode of some minutes with a few prefixes. */
const STEP_TOKENS = 512;
const SHORT_TOKENS = 32_768;

/**
 * Scores an episode: its prompts are cut into tokens and its frames rendered here; the model's thread does the rest, and begins
 * while frames are being rendered.
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
        // By now the model has seen every frame.
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

/** The frames of an episode on their way to the model. */
interface FramesToShow {
  coming: ComingFrames;
  isHere(frame: number): boolean;
  /** those that are known already, by raw frame number */
  shown: Map<number, ShownFrame>;
  /** Aborts when a frame cannot be shown. */
  failed: AbortSignal;
}

/**
 * A whole episode's frames are shown as they are rendered. Of one that grows and names frames without sending them, all that are
 * here are rendered first: they are few, and what must be known is named at once.
 * @throws ProblemError frames-missing, where a doubled block cannot be shown: it is never known from before
 */
async function framesOf(request: ScoreRequest): Promise<FramesToShow> {
  const { plan, frames } = request;
  // Before any is rendered, since then it is let go.
  const isWhole = frames.held(plan.sampledFrames) === plan.sampledFrames.length;
  const { coming, failed } = await beginFrames(request, 'rgb');
  if (isWhole) {
    // The model is not kept waiting for it: a video's comes when all of them are decoded.
    const first = await coming.next();
    return { coming: rejoined(first, coming), isHere: () => true, shown: new Map(), failed };
  }
  const shown = new Map(await Array.fromAsync(coming));
  const own = plan.queries.flatMap((query) => query.own ?? []);
  // Which of the others are known, only the model's thread can tell: ask for all at once.
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

/** Passes frames on and copies the first and the last, which are looked at here too. */
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
    const detail = 'The model’s thread ended while it worked on this episode. Try again in a moment.';
    return new ProblemError('engine-unavailable', detail, { retry_after_s: 1 }, error);
  }
  return new ProblemError('engine-failed', 'The model failed on this episode. Tell the operator.', {}, error);
}

/** @throws ProblemError context-exceeded, before a frame is decoded */
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

/** Every prefix computes its question and its doubled block; the shared blocks are computed once. */
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

/** @param ends pixels of the first and the last frame, as far as they are here */
function warningsOf({ plan, size }: ScoreRequest, ends: Map<number, Uint8Array>, { domain }: Checkpoint) {
  if (!domain) return [];
  const { instruction, queries } = plan;
  const pictures = [...ends.values()];
  return domainWarnings(domain, { instruction, pictures, size, blocks: countBlocks(queries[0]) });
}

/** @throws ProblemError engine-answer-unusable, for numbers that cannot be a model's */
function scoreOf({ query, logProbs, promptTokens, cachedTokens }: Answer): QueryScore {
  const [logProbTrue = Number.NaN, logProbFalse = Number.NaN, ...others] = logProbs;
  const fault = logProbFault({ true: logProbTrue, false: logProbFalse }, others);
  if (!fault) return { query, logProbTrue, logProbFalse, promptTokens, cachedTokens };
  const detail = 'The model gave no usable answer; no number was made up. Tell the operator.';
  throw new ProblemError('engine-answer-unusable', detail, {}, new Error(fault));
}
