import type { ShownFrame } from '../../frames/frames.ts';
import { checkQuestion, tooLong } from '../../plan/context.ts';
import { countBlocks } from '../../plan/plan.ts';
import { ProblemError } from '../../problems.ts';
import type { QueryScore, ScoreRequest } from '../engine.ts';
import type { FairGate } from '../fair-gate.ts';
import { framesMissing } from '../frames-missing.ts';
import { logProbFault } from '../log-probs.ts';
import { renderFrames } from '../render-frames.ts';
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

/** Two doors: however many long episodes wait, a short one does not wait for them. */
export interface Gates {
  short: FairGate;
  long: FairGate;
}

/** Tokens to compute of an episode that goes through the door for long ones: some seconds of work. */
const LONG_TOKENS = 32_768;

/** Scores an episode: its prompts are cut into tokens and its frames rendered here; the model's thread does the rest. */
export async function* scoreEpisode(
  request: ScoreRequest,
  { checkpoint, thread, gates }: ScoringContext,
): AsyncGenerator<QueryScore> {
  const { plan, tenant, signal, usage } = request;
  const tokens = promptTokens(plan, checkpoint);
  checkQuestion(tokens.question.length, request.pointer);
  checkLength(request, tokens, checkpoint);
  const frames = await renderFrames(request, 'rgb');
  const own = plan.queries.flatMap((query) => query.own ?? []);
  // A doubled block is never known from before. Which of the others are, only the model's thread can tell: ask for all at once.
  if (framesMissing(frames, own)) throw framesMissing(frames, [...plan.blocks, ...own]);
  const about = { prompt: seenPrompt(tokens, checkpoint), warnings: warningsOf(request, frames, checkpoint) };
  const waiting = performance.now();
  const gate = tokensToCompute(tokens) > LONG_TOKENS ? gates.long : gates.short;
  const leave = await gate.enter({ tenant, episode: Symbol('episode') }, signal);
  const started = performance.now();
  usage.queuedMs += started - waiting;
  try {
    for await (const answer of thread.answers(taskOf(request, tokens, frames, checkpoint), signal)) {
      usage.requests += 1;
      const score = scoreOf(answer);
      yield answer.query === 0 ? { ...score, ...about } : score;
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ProblemError) throw error;
    if (error instanceof BlocksUnknown) throw framesMissing(frames, plan.blocks.slice(error.known));
    if (error instanceof ThreadEnded) {
      const detail = 'The model’s thread ended while it worked on this episode. Try again in a moment.';
      throw new ProblemError('engine-unavailable', detail, { retry_after_s: 1 }, error);
    }
    throw new ProblemError('engine-failed', 'The model failed on this episode. Tell the operator.', {}, error);
  } finally {
    leave();
    usage.engineMs += performance.now() - started;
  }
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

function seenPrompt({ blocks, doubled, question }: PromptTokens, { grid }: Checkpoint) {
  const tokenIds = [...blocks.flat(), ...(doubled[0] ?? []), ...question];
  return { layout: 'reference' as const, videoTokensPerBlock: grid.rows * grid.columns, tokenIds };
}

function warningsOf({ plan, size }: ScoreRequest, frames: Map<number, ShownFrame>, { domain }: Checkpoint) {
  if (!domain) return [];
  const { instruction, sampledFrames, queries } = plan;
  const ends = [sampledFrames[0] as number, sampledFrames.at(-1) as number];
  const pictures = ends.flatMap((frame) => frames.get(frame)?.bytes ?? []);
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
