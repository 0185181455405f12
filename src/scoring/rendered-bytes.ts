import type { Pipeline } from '../../schemas/enumerations.ts';
import type { ServedModel } from '../engine/served-model.ts';
import type { Frames } from '../frames/frames.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import { ProblemError } from '../problems/problems.ts';

/** What these frames are called, the option that the problem points to, and what to do. */
const ADVICE: Record<Pipeline | 'gvl', { frames: string; option: string; advice: string }> = {
  aligned: {
    frames: 'sampled',
    option: 'frame_size',
    advice: 'Send a shorter episode, or `frame_size` "reference" or "budget".',
  },
  published: { frames: 'sampled', option: 'frame_size', advice: 'Send a shorter episode, or request fewer prefixes.' },
  gvl: { frames: 'shown', option: 'gvl', advice: 'Show fewer frames: send `gvl.count`, or fewer `gvl.frames`.' },
};

/**
 * Memory for the rendered frames of an episode, in bytes: three bytes per pixel, or the same in base64. No image file is larger,
 * except for its header.
 * @throws ProblemError image-too-large if the frames do not fit into the memory even on their own
 */
export function renderedBytes(
  { frameGroups }: Pick<EpisodePlan, 'frameGroups'>,
  frames: Frames,
  { frameEncoding }: Pick<ServedModel, 'frameEncoding'>,
  { limit, pointer, of }: { limit: number; pointer: string; of: Pipeline | 'gvl' },
): number {
  const held = frameGroups.map((group) => frames.countUploaded(group.frames));
  const sizes = frameGroups.map(({ size: { width, height } }, i) => (held[i] ?? 0) * width * height);
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
  const bytes = total(sizes) * (frameEncoding === 'rgb' ? 3 : 4);
  if (bytes <= limit) return bytes;
  const [{ size }] = frameGroups;
  const { frames: kind, option, advice } = ADVICE[of];
  const detail = `The ${total(held)} ${kind} frames take ${bytes} bytes at ${size.width}×${size.height} px; the limit is ${limit} bytes. ${advice}`;
  throw new ProblemError('image-too-large', detail, { pointer: `${pointer}/${option}`, limit });
}
