import type { Caller, Engine } from '../engine/engine.ts';
import type { ServedModel } from '../engine/served-model.ts';
import { checkAgainstFrames } from '../episode/episode.ts';
import { prefixLengths } from '../episode/prefixes.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import { controlPlans } from '../methods/controls.ts';
import type { PrefixMethod } from '../methods/method.ts';
import { longestShown } from '../methods/prefixes.ts';
import { checkContext } from '../plan/context.ts';
import type { ControlPlan } from '../plan/controls.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import type { Upload } from '../upload/upload.ts';
import {
  checkAlignedWork,
  checkCalibration,
  checkControlTokens,
  checkFrameSize,
  checkListedValues,
  checkPipeline,
  checkPublishedWork,
} from './checks.ts';

/** What is needed to plan an episode. */
interface PlanContext<Tokens, Line, Result> {
  engine: Engine;
  method: PrefixMethod<Tokens, Line, Result>;
  caller: Caller;
}

/** The plan of an episode, and those of its controls. */
interface PlannedEpisode<Tokens> {
  plan: EpisodePlan;
  controlPlans: ControlPlan[];
  tokens: Tokens;
}

/**
 * Checks an episode against its frames and against the model, and plans its queries. Nothing is rendered yet.
 * @throws ProblemError
 */
export async function planPrefixesOf<Tokens, Line, Result>(
  { request, frames, pointer }: Pick<Upload, 'request' | 'frames' | 'pointer'>,
  served: ServedModel,
  { engine, method, caller }: PlanContext<Tokens, Line, Result>,
): Promise<PlannedEpisode<Tokens>> {
  checkAgainstFrames(request, frames.count, pointer);
  checkFrameSize(request, served, pointer);
  checkPipeline(request, served, pointer);
  checkCalibration(request, served, pointer);
  const { family } = served;
  const sampled = {
    request,
    schedule: sampleSchedule(frames.count, request.clock),
    lengths: prefixLengths(frames.count, request.prefixes),
    size: family.sentSize(request.frameSize, frames.size, served.referenceFrame, request.maxPixels),
    fixedSize: served.frameSizes.includes('native') ? undefined : served.referenceFrame,
  };
  const longest = longestShown(sampled, family);
  checkContext(longest.frames, longest.size, served);
  await checkControlTokens(request, engine, caller, pointer);
  const tokens = await method.tokens(request, { tokenizer: engine, pointer, caller });
  checkPublishedWork(sampled.lengths, method.steps(tokens), request, pointer);
  checkAlignedWork(sampled, method.steps(tokens), pointer);
  checkListedValues(sampled.lengths.length, method.listed(tokens), pointer);
  const input = { ...sampled, tokens };
  const plan = method.plan(input, family);
  return { plan, controlPlans: controlPlans(method, input, family, plan), tokens };
}
