import type { Controls } from '../../schemas/controls.ts';
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
  const [first] = plan.sampledFrames;
  if (first === undefined) throw new RangeError('A plan needs at least one frame.');
  return showing(plan, [first], () => first);
}

/** The plan of the sampled frames in reverse order, at the times of the episode. */
export function reversedPlan(plan: EpisodePlan): EpisodePlan {
  const reversed = plan.sampledFrames.toReversed();
  const places = new Map(plan.sampledFrames.map((frame, place) => [frame, place]));
  return showing(plan, reversed, (frame) => {
    const instead = reversed[places.get(frame) ?? Number.NaN];
    if (instead === undefined) throw new RangeError(`Frame ${frame} is not one of the sampled frames.`);
    return instead;
  });
}
