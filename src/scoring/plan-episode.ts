import type { Caller, Engine } from '../engine/engine.ts';
import type { ModelProfile } from '../engine/model-profile.ts';
import { checkAgainstFrames } from '../episode/episode.ts';
import { prefixLengths } from '../episode/prefixes.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import { familyOf } from '../families/registry.ts';
import { controlPlans } from '../methods/controls.ts';
import type { Method, PlanInput } from '../methods/method.ts';
import { longestShown } from '../methods/prefixes.ts';
import type { ReadAnswers } from '../plan/answer-steps.ts';
import { checkContext } from '../plan/context.ts';
import type { ControlPlan } from '../plan/controls.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import type { Upload } from '../upload/upload.ts';
import { tokensOfAnswers } from './answer-tokens.ts';
import {
  checkAlignedWork,
  checkCalibration,
  checkControlTokens,
  checkFrameSize,
  checkPublishedWork,
} from './checks.ts';

/** What is needed to plan an episode. */
interface PlanContext<Prefix, Result> {
  engine: Engine;
  method: Method<Prefix, Result>;
  caller: Caller;
}

/** The plan of an episode, and those of its controls. */
interface PlannedEpisode {
  plan: EpisodePlan;
  controlPlans: ControlPlan[];
  answers: ReadAnswers;
}

/**
 * Checks an episode against its frames and against the model, and plans its queries. Nothing is rendered yet.
 * @throws ProblemError
 */
export async function planEpisode<Prefix, Result>(
  { request, frames, pointer }: Pick<Upload, 'request' | 'frames' | 'pointer'>,
  profile: ModelProfile,
  { engine, method, caller }: PlanContext<Prefix, Result>,
): Promise<PlannedEpisode> {
  checkAgainstFrames(request, frames.count, pointer);
  checkFrameSize(request, profile, pointer);
  checkCalibration(request, profile, pointer);
  const family = familyOf(profile.family);
  const sampled = {
    request,
    schedule: sampleSchedule(frames.count, request.clock),
    lengths: prefixLengths(frames.count, request.prefixes),
    size: family.sentSize(request.frameSize, frames.size, profile.referenceFrame, request.maxPixels),
    fixedSize: profile.frameSizes.includes('native') ? undefined : profile.referenceFrame,
  };
  const longest = longestShown(sampled, family);
  checkContext(longest.frames, longest.size, profile);
  await checkControlTokens(request, engine, caller, pointer);
  const answers = await tokensOfAnswers(request, engine, caller, pointer);
  checkPublishedWork(sampled.lengths, answers.steps.length, request, pointer);
  checkAlignedWork(sampled, answers.steps.length, pointer);
  const input: PlanInput = { ...sampled, answers };
  const plan = method.plan(input, family);
  return { plan, controlPlans: controlPlans(method, input, family, plan), answers };
}
