import type { RewardResult } from '../schemas/reward.ts';
import type { PrefixEvent } from '../schemas/reward-event.ts';
import type { Admission } from './admission.ts';
import type { Engine, EngineDescription, EngineUsage, QueryScore } from './engine/engine.ts';
import { checkAgainstFrames, controlTokenProblem, type EpisodeRequest } from './episode/episode.ts';
import { prefixLengths } from './episode/prefixes.ts';
import { sampleSchedule } from './episode/schedule.ts';
import type { Frames } from './frames/frames.ts';
import { checkContext } from './plan/context.ts';
import { type FrameSize, sentFrameSize } from './plan/frame-size.ts';
import { doubledFrames, type EpisodePlan, framesShown, planEpisode } from './plan/plan.ts';
import { ProblemError } from './problems.ts';
import { buildResult, prefixScore, type ResultDefaults } from './result/result.ts';
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

/** An episode while it is scored: each prefix as soon as it is known, then the whole. */
export type Scoring = AsyncGenerator<PrefixEvent, RewardResult, void>;

/**
 * One episode's way: upload → episode → plan → engine → scores → result.
 * @throws ProblemError
 */
export async function* scoreEpisode(
  { request, frames, pointer, waitedMs: waitedReading }: Upload,
  { engine, tenant, waitedMs, signal, defaults, frameMemory }: ScoringContext,
): Scoring {
  const description = engine.describe();
  checkAgainstFrames(request, frames.count, pointer);
  checkFrameSize(request, description, pointer);
  checkCalibration(request, description, pointer);
  const size = sentFrameSize(request.frameSize, frames.size, description.referenceFrame, request.maxPixels);
  const lengths = prefixLengths(frames.count, request.prefixes);
  const schedule = sampleSchedule(frames.count, request.clock);
  checkContext(framesShown(schedule, lengths.slice(-1))[0] as number, size, description);
  await checkControlTokens(request, engine, signal, pointer);
  const plan = planEpisode(request, schedule, lengths);
  const prefixesOf = Map.groupBy(plan.prefixes, ({ query }) => query);
  const usage: EngineUsage = {
    requests: 0,
    resends: 0,
    bytes: 0,
    queuedMs: waitedMs + waitedReading,
    decodingMs: 0,
    engineMs: 0,
  };
  const scores: QueryScore[] = [];
  // These only this request may ever have shown: an engine that knows all pairs of the episode need not know them.
  frames.recall(doubledFrames(plan));
  const total = plan.prefixes.length;
  let known = 0;
  for (;;) {
    const bytes = renderedBytes(plan, frames, size, description, { limit: frameMemory.capacity, pointer });
    const memory = await frameMemory.enter(bytes, signal, tenant);
    usage.queuedMs += memory.waitedMs;
    try {
      for await (const score of engine.score({ plan, frames, size, tenant, pointer, signal, usage })) {
        if (scores[score.query]) continue;
        scores[score.query] = score;
        for (const prefix of prefixesOf.get(score.query) ?? []) {
          known += 1;
          yield { event: 'prefix', ...prefixScore(prefix, score, { request, plan }), known, total };
        }
      }
      return buildResult({ request, frames, plan, size, scores, usage, description, defaults });
    } catch (error) {
      // Before the caller is asked for them: frames may still be here that it need not send again.
      const missing = error instanceof ProblemError && error.code === 'frames-missing';
      if (!missing || !frames.recall(plan.sampledFrames)) throw error;
    } finally {
      memory.release();
    }
  }
}

/** Scores to the end, for a caller who wants the whole and no prefix before it. */
export async function resultOf(scoring: Scoring): Promise<RewardResult> {
  for (;;) {
    const { done, value } = await scoring.next();
    if (done) return value;
  }
}

/** @throws ProblemError frame-size-unsupported */
function checkFrameSize(
  { frameSize }: EpisodeRequest,
  { frameSizes, referenceFrame }: EngineDescription,
  pointer: string,
) {
  if (frameSizes.includes(frameSize)) return;
  const { width, height } = referenceFrame;
  const detail = `This model sees frames of ${width}×${height} and no others. Leave \`frame_size\` out: every frame is brought to that size.`;
  throw new ProblemError('frame-size-unsupported', detail, { pointer: `${pointer}/frame_size` });
}

/** @throws ProblemError special-token-text */
async function checkControlTokens(
  { instruction }: EpisodeRequest,
  engine: Engine,
  signal: AbortSignal,
  pointer: string,
): Promise<void> {
  const special = await engine.controlTokenIn(instruction, signal);
  if (special !== undefined) throw controlTokenProblem(special, `${pointer}/instruction`);
}

/**
 * A calibration says nothing of another model or another prompt. One that names neither is taken at the caller's word.
 * @throws ProblemError calibration-mismatch
 */
function checkCalibration({ calibration, prompt }: EpisodeRequest, { model }: EngineDescription, pointer: string) {
  if (calibration?.model !== undefined && calibration.model !== model) {
    const detail = `The calibration was made with another model than the one served, ${model}. Make one with this model.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/model` });
  }
  if (calibration?.prompt !== undefined && calibration.prompt !== prompt) {
    const detail = `The calibration was made with the prompt "${calibration.prompt}"; this request asks with "${prompt}".`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/prompt` });
  }
}

/**
 * Memory for an episode's rendered frames: three bytes for each pixel, or the same in base64. No image file is larger, but for a
 * header.
 * @throws ProblemError image-too-large, when they would not fit even alone
 */
function renderedBytes(
  { sampledFrames }: EpisodePlan,
  frames: Frames,
  { width, height }: FrameSize,
  { frameEncoding }: EngineDescription,
  { limit, pointer }: { limit: number; pointer: string },
): number {
  const held = frames.held(sampledFrames);
  const bytes = held * width * height * (frameEncoding === 'rgb' ? 3 : 4);
  if (bytes <= limit) return bytes;
  const detail = `The ${held} frames that the model would see are ${bytes} bytes at ${width}×${height}; at most ${limit} are taken. Send a shorter episode, or \`frame_size\` "reference" or "budget".`;
  throw new ProblemError('image-too-large', detail, { pointer: `${pointer}/frame_size`, limit });
}
