import type { FrameSize, Provenance } from '../../schemas/reward.ts';
import type { ServedModel } from '../engine/served-model.ts';
import { promptText } from '../families/family.ts';
import { blocksOf, type EpisodePlan } from '../plan/plan.ts';
import { SERVICE } from '../process/version.ts';
import { readingOf, type Scored } from './scored.ts';

/** What made the numbers of an episode, whatever the method. */
export function madeBy({
  engine,
  model,
  family: { name, verified },
  about,
}: ServedModel): Pick<Provenance, 'service' | 'engine' | 'model' | 'profile' | 'about'> {
  return { service: SERVICE, engine, model, profile: { name, verified }, about };
}

/**
 * How the numbers of an episode were made.
 * @param answers what only the method knows: the tokens that were read
 * @throws Error if the engine does not say which prompt the model received
 */
export function provenanceOf<Answers extends object>(
  { request, frames, plan, readings, served }: Scored,
  answers: Answers,
): Omit<Provenance, 'true_token' | 'false_token' | 'answers' | 'true_tokens' | 'false_tokens'> & Answers {
  const { prompt: seen } = readingOf(readings, 0);
  if (!seen) throw new Error('The engine did not return the longest prompt.');
  const times = blocksOf(plan, plan.queries[0]).map(({ time }) => time);
  const [{ size, resampling }] = plan.frameGroups;
  const resized = size.width !== frames.size.width || size.height !== frames.size.height;
  return {
    ...madeBy(served),
    pipeline: request.pipeline,
    layout: seen.layout,
    prompt: {
      variant: plan.prompt,
      text: promptText(served.family, times, plan.queries[0].text, plan.prompt, seen.layout),
      video_tokens_per_block: seen.videoTokensPerBlock,
      ...(request.includeTokenIds && { token_ids: seen.tokenIds }),
    },
    ...answers,
    sampled_frame_indices: plan.sampledFrames,
    frame_size: {
      mode: request.frameSize,
      source: frames.size,
      sent: size,
      resampling: resized || resampling !== 'pillow-bicubic' ? resampling : 'none',
      encoding: served.frameEncoding,
      ...(request.pipeline === 'published' && { per_prefix: prefixSizes(plan) }),
    },
    ...(frames.video && { video: frames.video }),
  };
}

function prefixSizes({ prefixes, queries, frameGroups }: EpisodePlan): FrameSize[] {
  return prefixes.flatMap(({ query }) => frameGroups[queries[query]?.frameGroup ?? 0]?.size ?? []);
}
