import type { Provenance } from '../../schemas/reward.ts';
import { promptText } from '../families/family.ts';
import { familyOf } from '../families/registry.ts';
import { blocksOf } from '../plan/plan.ts';
import { SERVICE } from '../process/version.ts';
import { readingOf, type Scored } from './scored.ts';

/**
 * How the numbers of an episode were made.
 * @param answers what only the method knows: the tokens that were read
 * @throws Error if the engine does not say which prompt the model received
 */
export function provenanceOf<Answers extends object>(
  { request, frames, plan, size, readings, profile }: Scored,
  answers: Answers,
): Omit<Provenance, 'true_token' | 'false_token' | 'answers' | 'true_tokens' | 'false_tokens'> & Answers {
  const { prompt: seen } = readingOf(readings, 0);
  if (!seen) throw new Error('The engine did not return the longest prompt.');
  const times = blocksOf(plan, plan.queries[0]).map(({ time }) => time);
  const resized = size.width !== frames.size.width || size.height !== frames.size.height;
  return {
    service: SERVICE,
    engine: profile.engine,
    model: profile.model,
    about: profile.about,
    layout: seen.layout,
    prompt: {
      variant: plan.prompt,
      text: promptText(familyOf(profile.family), times, plan.queries[0].text, plan.prompt, seen.layout),
      video_tokens_per_block: seen.videoTokensPerBlock,
      ...(request.includeTokenIds && { token_ids: seen.tokenIds }),
    },
    ...answers,
    sampled_frame_indices: plan.sampledFrames,
    frame_size: {
      mode: request.frameSize,
      source: frames.size,
      sent: size,
      resampling: resized ? 'pillow-bicubic' : 'none',
      encoding: profile.frameEncoding,
    },
    ...(frames.video && { video: frames.video }),
  };
}
