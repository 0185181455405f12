import type { FieldError } from '../../../schemas/problem.ts';
import { invalidRequest } from '../../checking/field-errors.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import type { GenerationPlan } from '../../plan/generation.ts';
import type { FrameGroup } from '../../plan/plan.ts';
import { evenFrames } from './frames.ts';
import { permutation } from './permutation.ts';
import { gvlParts, gvlSchema, structuredParts } from './prompt.ts';

/** What GVL shows of an episode. */
export interface GvlPlan {
  /** raw frame numbers in the order of the prompt: the first one is Frame 1 */
  order: number[];
  /** null if the request gave the order */
  seed: number | null;
  generation: GenerationPlan;
}

/**
 * Chooses frames and their order, and makes the prompt.
 * @param frameCount raw frames in the episode
 * @param size of the images, and how frames are resized to it
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError invalid-request, for frames that the episode does not have, or for an order of other frames
 */
export function planGvl(
  { instruction, gvl }: EpisodeRequest,
  frameCount: number,
  { size, resampling }: Pick<FrameGroup, 'size' | 'resampling'>,
  pointer: string,
): GvlPlan {
  const shown = typeof gvl.shown === 'number' ? evenFrames(frameCount, gvl.shown) : gvl.shown;
  const beyond = shown.findIndex((frame) => frame >= frameCount);
  if (beyond >= 0) {
    const detail = `must be below the number of frames, ${frameCount}`;
    throw invalidRequest([{ pointer: `${pointer}/gvl/frames/${beyond}`, detail }]);
  }
  const seed = 'seed' in gvl.order ? gvl.order.seed : null;
  const order = 'seed' in gvl.order ? seeded(shown, gvl.order.seed) : gvl.order;
  const mistakes = otherFrames(order, shown, `${pointer}/gvl/order`);
  if (mistakes.length > 0) throw invalidRequest(mistakes);
  const isStructured = gvl.format === 'structured';
  return {
    order,
    seed,
    generation: {
      parts: isStructured ? structuredParts(instruction, order) : gvlParts(instruction, order),
      frameGroups: [{ size, resampling, frames: shown }],
      maxTokens: gvl.maxTokens,
      schema: isStructured ? gvlSchema(order.length) : undefined,
    },
  };
}

/** The frames in the order of a seed. */
function seeded(shown: number[], seed: number): number[] {
  return permutation(seed, shown.length).flatMap((place) => shown[place] ?? []);
}

/** What is wrong with an order: it must have each of the shown frames once. */
function otherFrames(order: number[], shown: number[], pointer: string): FieldError[] {
  const left = new Set(shown);
  const wrong = order.findIndex((frame) => !left.delete(frame));
  const all = `each of the shown frames once: ${shown.join(', ')}`;
  if (wrong >= 0)
    return [{ pointer: `${pointer}/${wrong}`, detail: `must be a shown frame that is not there already; send ${all}` }];
  return left.size > 0 ? [{ pointer, detail: `must have ${all}` }] : [];
}
