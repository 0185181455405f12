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

/** What is needed to score one episode. */
export interface ScoringContext {
  engine: Engine;
  /** owner of the episode */
  tenant: string;
  /** time that the request waited before its upload was read, ms */
  waitedMs: number;
  /** aborts when the response is no longer needed */
  signal: AbortSignal;
  defaults: ResultDefaults;
  /** limits the memory of the rendered frames of all episodes together */
  frameMemory: Admission;
}

/** The scoring of one episode. It yields each prefix as soon as it is scored, and returns the complete result. */
export type Scoring = AsyncGenerator<PrefixEvent, RewardResult, void>;

/**
 * Scores one episode, in these steps: upload → episode → plan → engine → scores → result.
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
  // A block that repeats one frame belongs to one query only. An engine can have cached all other blocks but not this one, so
  // its frame must be present.
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
      // Before the client has to send frames again: the service may still have some of them.
      const missing = error instanceof ProblemError && error.code === 'frames-missing';
      if (!missing || !frames.recall(plan.sampledFrames)) throw error;
    } finally {
      memory.release();
    }
  }
}

/** Runs a scoring to its end and returns the result, without the prefixes before it. @throws ProblemError */
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
  const detail = `This model accepts frames of ${width}×${height} px only. Leave \`frame_size\` out: the service then resizes every frame to this size.`;
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
 * Checks that a calibration is for this model and prompt. If it names neither, it is accepted without a check.
 * @throws ProblemError calibration-mismatch
 */
function checkCalibration({ calibration, prompt }: EpisodeRequest, { model }: EngineDescription, pointer: string) {
  if (calibration?.model !== undefined && calibration.model !== model) {
    const detail = `The calibration was made with another model. This service serves ${model}. Make a calibration with this model.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/model` });
  }
  if (calibration?.prompt !== undefined && calibration.prompt !== prompt) {
    const detail = `The calibration was made with the prompt "${calibration.prompt}", but this request uses "${prompt}". Use the same prompt for both.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/prompt` });
  }
}

/**
 * Memory for the rendered frames of an episode, in bytes: three bytes per pixel, or the same in base64. No image file is larger,
 * except for its header.
 * @throws ProblemError image-too-large if the frames do not fit into the memory even on their own
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
  const detail = `The ${held} sampled frames take ${bytes} bytes at ${width}×${height} px; the limit is ${limit} bytes. Send a shorter episode, or \`frame_size\` "reference" or "budget".`;
  throw new ProblemError('image-too-large', detail, { pointer: `${pointer}/frame_size`, limit });
}
