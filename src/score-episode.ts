import type { FrameSize, RewardResult } from '../schemas/reward.ts';
import type { PrefixEvent } from '../schemas/reward-event.ts';
import type { Engine, EngineUsage, ModelProfile, Reading } from './engine/engine.ts';
import { checkAgainstFrames, controlTokenProblem, type EpisodeRequest } from './episode/episode.ts';
import { prefixLengths } from './episode/prefixes.ts';
import { sampleSchedule } from './episode/schedule.ts';
import { familyOf } from './families/registry.ts';
import type { Frames } from './frames/frames.ts';
import type { FairQueue } from './limits/fair-queue.ts';
import type { Method } from './methods/method.ts';
import { DEFAULT_METHOD } from './methods/registry.ts';
import type { PrefixScore } from './methods/topreward/result.ts';
import { checkContext } from './plan/context.ts';
import { type EpisodePlan, framesUsed, ownFrames } from './plan/plan.ts';
import { ProblemError } from './problems/problems.ts';
import type { ResultDefaults } from './result/scored.ts';
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
  renderBudget: FairQueue;
}

/** The scoring of one episode. It yields each prefix as soon as it is scored, and returns the complete result. */
export type Scoring = AsyncGenerator<PrefixEvent, RewardResult, void>;

/**
 * Scores one episode, in these steps: upload → episode → plan → engine → scores → result.
 * @throws ProblemError
 */
export async function* scoreEpisode(
  { request, frames, pointer, waitedMs: waitedReading }: Upload,
  { engine, tenant, waitedMs, signal, defaults, renderBudget }: ScoringContext,
  method: Method<PrefixScore, RewardResult> = DEFAULT_METHOD,
): Scoring {
  const profile = engine.describe();
  const family = familyOf(profile.family);
  checkAgainstFrames(request, frames.count, pointer);
  checkFrameSize(request, profile, pointer);
  checkCalibration(request, profile, pointer);
  const size = family.sentSize(request.frameSize, frames.size, profile.referenceFrame, request.maxPixels);
  const lengths = prefixLengths(frames.count, request.prefixes);
  const schedule = sampleSchedule(frames.count, request.clock);
  checkContext(framesUsed(schedule, lengths.slice(-1))[0] ?? 1, size, profile);
  await checkControlTokens(request, engine, signal, pointer);
  const plan = method.plan({ request, schedule, lengths }, family);
  const prefixesOf = Map.groupBy(plan.prefixes, ({ query }) => query);
  const usage: EngineUsage = {
    requests: 0,
    resends: 0,
    bytes: 0,
    queuedMs: waitedMs + waitedReading,
    decodingMs: 0,
    engineMs: 0,
  };
  const readings: Reading[] = [];
  // A block that repeats one frame belongs to one query only. An engine can have cached all other blocks but not this one, so
  // its frame must be present.
  frames.restoreRecent(ownFrames(plan));
  const total = plan.prefixes.length;
  let known = 0;
  for (;;) {
    const bytes = renderedBytes(plan, frames, size, profile, { limit: renderBudget.capacity, pointer });
    const memory = await renderBudget.enter({ tenant }, signal, bytes);
    usage.queuedMs += memory.waitedMs;
    try {
      const { instruction } = request;
      for await (const reading of engine.score({ plan, frames, size, instruction, tenant, pointer, signal, usage })) {
        if (readings[reading.query]) continue;
        readings[reading.query] = reading;
        for (const prefix of prefixesOf.get(reading.query) ?? []) {
          known += 1;
          yield { event: 'prefix', ...method.prefix(prefix, reading.values, { request, plan }), known, total };
        }
      }
      return method.result({ request, frames, plan, size, readings, usage, profile, defaults });
    } catch (error) {
      // Before the client has to send frames again: the service may still have some of them.
      const missing = error instanceof ProblemError && error.code === 'frames-missing';
      if (!missing || !frames.restoreRecent(plan.sampledFrames)) throw error;
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
function checkFrameSize({ frameSize }: EpisodeRequest, { frameSizes, referenceFrame }: ModelProfile, pointer: string) {
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
function checkCalibration({ calibration, prompt }: EpisodeRequest, { model }: ModelProfile, pointer: string) {
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
  { frameEncoding }: ModelProfile,
  { limit, pointer }: { limit: number; pointer: string },
): number {
  const held = frames.countUploaded(sampledFrames);
  const bytes = held * width * height * (frameEncoding === 'rgb' ? 3 : 4);
  if (bytes <= limit) return bytes;
  const detail = `The ${held} sampled frames take ${bytes} bytes at ${width}×${height} px; the limit is ${limit} bytes. Send a shorter episode, or \`frame_size\` "reference" or "budget".`;
  throw new ProblemError('image-too-large', detail, { pointer: `${pointer}/frame_size`, limit });
}
