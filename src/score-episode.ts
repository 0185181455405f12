import type { RewardResult } from '../schemas/reward.ts';
import type { Engine, EngineUsage, QueryScore } from './engine/engine.ts';
import { checkAgainstFrames } from './episode/episode.ts';
import { prefixLengths } from './episode/prefixes.ts';
import { sentFrameSize } from './plan/frame-size.ts';
import { planEpisode } from './plan/plan.ts';
import { buildResult, type ResultDefaults } from './result/result.ts';
import type { Upload } from './upload/upload.ts';

/**
 * One episode's way: upload → episode → plan → engine → scores → result.
 * @param tenant whose episode it is
 * @param waitedMs time spent waiting for a place before the upload was read
 * @param signal aborts when nobody waits for the answer any more
 * @throws ProblemError
 */
export async function scoreEpisode(
  { request, frames, pointer }: Upload,
  engine: Engine,
  {
    tenant,
    waitedMs,
    signal,
    defaults,
  }: { tenant: string; waitedMs: number; signal: AbortSignal; defaults: ResultDefaults },
): Promise<RewardResult> {
  const description = engine.describe();
  checkAgainstFrames(request, frames.count, pointer);
  const plan = planEpisode({ ...request, frameCount: frames.count }, prefixLengths(frames.count, request.prefixes));
  const size = sentFrameSize(request.frameSize, frames.size, request.maxPixels);
  const usage: EngineUsage = { requests: 0, resends: 0, bytes: 0, queuedMs: waitedMs, decodingMs: 0, engineMs: 0 };
  const scores: QueryScore[] = [];
  for await (const score of engine.score({ plan, frames, size, tenant, signal, usage })) scores[score.query] = score;
  return buildResult({ request, frames, plan, size, scores, usage, description, defaults });
}
