import type { NonEmpty } from './non-empty.ts';
import type { FrameGroup } from './plan.ts';

/** A part of a user turn: a text, or a frame by its raw number. */
export type PromptPart = { text: string } | { frame: number };

/** One query in which the model writes a text. */
export interface GenerationPlan {
  /** the user turn, in order */
  parts: PromptPart[];
  /** The frames of the parts, with the size and the resampling they are sent with: exactly one group. */
  frameGroups: NonEmpty<FrameGroup>;
  /** most tokens of the text, at least 1 */
  maxTokens: number;
  /** JSON schema that the text must match; undefined for free text */
  schema: object | undefined;
}

/** Raw frame numbers of the images of a prompt, in order. A frame can be there twice. */
export function shownFrames(parts: PromptPart[]): number[] {
  return parts.flatMap((part) => ('frame' in part ? [part.frame] : []));
}
