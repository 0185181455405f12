import type { FrameSize } from '../../../schemas/reward.ts';
import type { Reading, ScoreRequest, SeenPrompt } from '../../engine/engine.ts';
import { framesMissing } from '../../engine/frames-missing.ts';
import { logProbFault, setLogProbs, topFault } from '../../engine/log-probs.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import type { FairQueue } from '../../limits/fair-queue.ts';
import { checkTextLength, tooLong } from '../../plan/context.ts';
import { countBlocks, type EpisodePlan, idsToRead, type Read } from '../../plan/plan.ts';
import { ProblemError } from '../../problems/problems.ts';
import { RETRY_AFTER_S } from '../../problems/retry-after.ts';
import { arrivalsOf } from './arrivals.ts';
import type { Checkpoint } from './checkpoint.ts';
import { domainWarnings } from './domain.ts';
import { type BlockTokens, type PromptTokens, promptTokens } from './prompt-tokens.ts';
import { copiesOf, framesOf, keepEnds } from './shown-frames.ts';
import { type Answer, BlocksUnknown, type Task, taskOf } from './task.ts';
import { type ModelThread, ThreadEnded } from './thread.ts';

/** The parts of the engine that scoring uses. */
export interface EmbeddedParts {
  checkpoint: Checkpoint;
  thread: Pick<ModelThread, 'answers'>;
  gates: Gates;
}

/** One gate for each size of episode, so that a shorter episode never waits for longer ones. */
interface Gates {
  step: FairQueue;
  short: FairQueue;
  long: FairQueue;
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
export async function* runQueries(
  request: ScoreRequest,
  { checkpoint, thread, gates }: EmbeddedParts,
): AsyncGenerator<Reading> {
  const { plan, tenant, usage } = request;
  const tokens = promptTokens(plan, checkpoint);
  for (const text of new Set(tokens.queries.map(({ text }) => text))) checkTextLength(text.length, request.pointer);
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
    const gate = gates[gateFor(tokensToCompute(tokens))];
    ({ release: leave } = await gate.enter({ tenant, episode: Symbol('episode') }, going));
    started = performance.now();
    usage.queuedMs += started - waiting;
    const shownFrames = keepEnds(coming, plan, ends);
    const source = request.frames.size;
    const runs = isShared(plan)
      ? [
          {
            task: taskOf(tenant, tokens, isHere, checkpoint),
            arrivals: arrivalsOf({ blocks: plan.blocks, tenant, source }, shownFrames),
          },
        ]
      : runsAlone(tokens, new Map(await Array.fromAsync(shownFrames)), { tenant, source }, checkpoint);
    const answers = async function* () {
      for (const { task, arrivals } of runs) yield* thread.answers(task, arrivals, going);
    };
    try {
      for await (const answer of answers()) {
        usage.requests += 1;
        const reading = readingOf(answer, plan, checkpoint);
        // The longest query comes first, so by now every frame has been rendered.
        if (answer.query === 0)
          yield {
            ...reading,
            prompt: seenPrompt(tokens, checkpoint),
            warnings: trainingDataWarnings(request, ends, checkpoint),
          };
        else yield reading;
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

/** Whether the queries share their blocks, except for the last one at most. */
function isShared({ queries }: EpisodePlan): boolean {
  return queries.every(({ own }) => own.length <= 1);
}

/**
 * Makes a task for each query of a plan whose queries share no blocks. Its own blocks become the shared blocks of its task: they are
 * computed a few at a time, so that memory does not grow with their number, and those that another query has computed are
 * found in the cache.
 * @param frames all frames of the plan
 */
function* runsAlone(
  { queries }: PromptTokens,
  frames: ReadonlyMap<number, EngineFrame>,
  { tenant, source }: { tenant: string; source: FrameSize },
  checkpoint: Checkpoint,
) {
  for (const [place, { query, own, text }] of queries.entries()) {
    const alone: PromptTokens = { blocks: own, queries: [{ query: { ...query, shows: own.length }, own: [], text }] };
    const task = taskOf(tenant, alone, () => true, checkpoint);
    const blocks = own.map(({ block }) => block);
    const [only] = task.queries;
    yield {
      task: { ...task, queries: [{ ...only, query: place }] } satisfies Task,
      arrivals: arrivalsOf({ blocks, tenant, source }, copiesOf(blocks, frames)),
    };
  }
}

function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof ThreadEnded) {
    const detail = 'The model thread ended while it scored this episode. Try again in a moment.';
    return new ProblemError('engine-unavailable', detail, { retry_after_s: RETRY_AFTER_S.modelThread }, error);
  }
  return new ProblemError('engine-failed', 'The model failed on this episode. Tell the operator.', {}, error);
}

/** Checks the exact length of the longest prompt before a frame is decoded. @throws ProblemError context-exceeded */
function checkLength({ plan }: ScoreRequest, { blocks, queries }: PromptTokens, { contextTokens }: Checkpoint): void {
  const [{ own }] = queries;
  const all = [...blocks, ...own];
  const textLength = queries.reduce((most, { text }) => Math.max(most, text.length), 0);
  let left = contextTokens - textLength;
  const fitting = all.findIndex(({ ids }) => {
    left -= ids.length;
    return left < 0;
  });
  if (fitting >= 0) throw tooLong(plan.queries[0].framesUsed, 2 * fitting);
}

/** Shared blocks are computed once. Each query computes its own blocks and the prompt text after them. */
function tokensToCompute({ blocks, queries }: PromptTokens): number {
  const own = queries.reduce((sum, { text, own }) => sum + text.length + countTokens(own), 0);
  return own + countTokens(blocks);
}

function countTokens(blocks: BlockTokens[]): number {
  return blocks.reduce((sum, { ids }) => sum + ids.length, 0);
}

function gateFor(tokens: number): keyof Gates {
  if (tokens <= STEP_TOKENS) return 'step';
  return tokens <= SHORT_TOKENS ? 'short' : 'long';
}

function seenPrompt({ blocks, queries: [{ query, own, text }] }: PromptTokens, { grid }: Checkpoint): SeenPrompt {
  // A text that follows the prompt is not a part of it.
  const given = 'follows' in query.read ? query.read.follows.ids.length - 1 : 0;
  const ids = [...[...blocks, ...own].flatMap((block) => block.ids), ...text];
  const tokenIds = ids.slice(0, ids.length - given);
  return { layout: 'reference', videoTokensPerBlock: grid.rows * grid.columns, tokenIds };
}

/** @param ends pixels of the first and the last sampled frame, if they are here */
function trainingDataWarnings(
  { plan, instruction }: ScoreRequest,
  ends: Map<number, Uint8Array>,
  { domain }: Checkpoint,
) {
  if (!domain) return [];
  const {
    queries,
    frameGroups: [{ size }],
  } = plan;
  const pictures = [...ends.values()];
  return domainWarnings(domain, { instruction, pictures, size, blocks: countBlocks(queries[0]) });
}

/** @throws ProblemError engine-answer-unusable, for numbers that cannot come from a working model */
function readingOf(
  { query, logProbs, top, promptTokens, cachedTokens }: Answer,
  { queries }: EpisodePlan,
  { textOf }: Checkpoint,
): Reading {
  const read = queries[query]?.read;
  if (!read) throw new Error(`The plan has no query ${query}.`);
  const asked = rowLengths(read).map((count, row) =>
    Array.from({ length: count }, (_, i) => logProbs[row]?.[i] ?? Number.NaN),
  );
  const fault =
    asked.map((row, i) => logProbFault(row, logProbs[i]?.slice(row.length) ?? [])).find((found) => found) ??
    topFault((top ?? []).map(({ logProb }) => logProb));
  if (!fault) {
    const sets = 'follows' in read ? asked.flat().map(() => 1) : read.answers.map((set) => set.length);
    const likely = top?.map(({ id, logProb }) => ({ text: textOf([id]), id, log_prob: logProb }));
    return {
      query,
      values: setLogProbs(asked.flat(), sets),
      ...(likely && { top: likely }),
      promptTokens,
      cachedTokens,
    };
  }
  const detail = 'The numbers from the model are not usable, so the episode has no score. Tell the operator.';
  throw new ProblemError('engine-answer-unusable', detail, {}, new Error(fault));
}

/** How many tokens a query reads after each of its last tokens. */
function rowLengths(read: Read): number[] {
  return 'follows' in read ? idsToRead(read).map(({ length }) => length) : [read.answers.flat().length];
}
