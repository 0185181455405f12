import type { RewardResult } from '../schemas/reward.ts';
import type { Admission } from './admission.ts';
import type { Engine, EngineUsage, QueryScore } from './engine/engine.ts';
import { checkAgainstFrames } from './episode/episode.ts';
import { prefixLengths } from './episode/prefixes.ts';
import { type FrameSize, sentFrameSize } from './plan/frame-size.ts';
import { type EpisodePlan, planEpisode } from './plan/plan.ts';
import { ProblemError } from './problems.ts';
import { buildResult, type ResultDefaults } from './result/result.ts';
import type { Upload } from './upload/upload.ts';

/** What one episode is scored in. */
export interface ScoringContext {
  engine: Engine;
  /** whose episode it is */
  tenant: string;
  /** time spent waiting for a place before the upload was read */
  waitedMs: number;
  /** aborts when nobody waits for the answer any more */
  signal: AbortSignal;
  defaults: ResultDefaults;
  /** bounds the rendered frames of all episodes together */
  frameMemory: Admission;
}

/**
 * One episode's way: upload → episode → plan → engine → scores → result.
 * @throws ProblemError
 */
export async function scoreEpisode(
  { request, frames, pointer }: Upload,
  { engine, tenant, waitedMs, signal, defaults, frameMemory }: ScoringContext,
): Promise<RewardResult> {
  const description = engine.describe();
  checkAgainstFrames(request, frames.count, pointer);
  const plan = planEpisode({ ...request, frameCount: frames.count }, prefixLengths(frames.count, request.prefixes));
  const size = sentFrameSize(request.frameSize, frames.size, request.maxPixels);
  const memory = await frameMemory.enter(renderedBytes(plan, size, frameMemory.capacity), signal);
  try {
    const queuedMs = waitedMs + memory.waitedMs;
    const usage: EngineUsage = { requests: 0, resends: 0, bytes: 0, queuedMs, decodingMs: 0, engineMs: 0 };
    const scores: QueryScore[] = [];
    for await (const score of engine.score({ plan, frames, size, tenant, signal, usage })) scores[score.query] = score;
    return buildResult({ request, frames, plan, size, scores, usage, description, defaults });
  } finally {
    memory.release();
  }
}

/**
 * Memory for an episode's rendered frames. No encoding is larger than the pixels, three bytes each, but for a header.
 * @throws ProblemError image-too-large, when they would not fit even alone
 */
function renderedBytes({ sampledFrames }: EpisodePlan, { width, height }: FrameSize, limit: number): number {
  const bytes = sampledFrames.length * width * height * 3;
  if (bytes <= limit) return bytes;
  const detail = `The ${sampledFrames.length} frames that the model would see are ${bytes} bytes of pixels at ${width}×${height}; at most ${limit} are taken. Send a shorter episode, or \`frame_size\` "reference" or "budget".`;
  throw new ProblemError('image-too-large', detail, { pointer: '/frame_size', limit });
}
