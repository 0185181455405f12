import type { Controls } from '../../schemas/controls.ts';
import type { Pipeline } from '../../schemas/enumerations.ts';
import { type EpisodePlan, showing } from './plan.ts';

/** The controls of an episode. */
export type ControlName = keyof Controls;

/** A control: a video or an instruction that the robot did not have. Its prefixes are those of the episode. */
export interface ControlPlan {
  name: ControlName;
  plan: EpisodePlan;
  /** the instruction in its prompts */
  instruction: string;
  /** where the instruction is in the episode: a JSON pointer */
  pointer: string;
}

/** The plan of a video in which nothing happens: every block repeats the first frame, at the times of the episode. */
export function staticPlan(plan: EpisodePlan): EpisodePlan {
  return showing(plan, () => 0);
}

/**
 * The plan of the reversed video, at the times of the episode: of the sampled frames in reverse order, or, in the published
 * pipeline, of all frames of the longest prefix, from which each prefix samples its own.
 */
export function reversedPlan(plan: EpisodePlan, pipeline: Pipeline): EpisodePlan {
  if (pipeline === 'published') {
    const last = (plan.prefixes.at(-1)?.length ?? 1) - 1;
    return showing(plan, (frame) => last - frame);
  }
  const reversed = plan.sampledFrames.toReversed();
  const places = new Map(plan.sampledFrames.map((frame, place) => [frame, place]));
  return showing(plan, (frame) => {
    const instead = reversed[places.get(frame) ?? Number.NaN];
    if (instead === undefined) throw new RangeError(`Frame ${frame} is not one of the sampled frames.`);
    return instead;
  });
}
