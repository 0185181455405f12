import type { FrameSizeMode, PromptLayout, PromptVariant } from '../../schemas/enumerations.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import type { Clock } from '../episode/clock.ts';
import type { PublishedFrame } from '../episode/published-frames.ts';
import type { PromptPart } from '../plan/generation.ts';
import type { Block } from '../plan/plan.ts';

/** How a family of models receives frames: the markup around them, their sizes, and how they are put into blocks. */
export interface Family {
  name: string;
  /** The prompt text before the first block. */
  opening: string;
  /**
   * The prompt text of one block.
   * @param time in seconds, such as "0.2"
   */
  blockText(time: string, layout: PromptLayout): string;
  /** The prompt text of an image that is not in a block. */
  imageText: string;
  /** Prompt tokens of such an image, with those before and after it. */
  imageTokens(size: FrameSize): number;
  /** The prompt text after a method's text: the end of the turn. */
  turnEnd(variant: PromptVariant): string;
  /** Finds text that the family's tokenizers read as a control token. It needs no tokenizer, and an engine can find more. */
  controlTokenIn(text: string): string | undefined;
  /**
   * Puts sampled frames into blocks.
   * @param frames raw frame numbers, increasing
   * @returns the complete blocks, in order; frames that are left over are not in them
   */
  blocks(frames: number[], clock: Clock): Block[];
  /**
   * The block of a query whose last frames do not make a complete block.
   * @param used number of sampled frames of the query
   * @returns nothing if its blocks are complete
   */
  ownBlocks(frames: number[], used: number, clock: Clock): Block[];
  /**
   * The blocks of a prefix in the published pipeline, where each frame has a time of its own.
   * @param frames at least one
   */
  timedBlocks(frames: PublishedFrame[]): Block[];
  /** The size at which the published pipeline sends the frames of a prefix. @param count how many the prefix shows */
  publishedSize(count: number): FrameSize;
  /** The size at which GVL shows its frames as images. */
  gvlSize: FrameSize;
  /** Number of complete blocks for a number of sampled frames. */
  completeBlocks(used: number): number;
  /**
   * The size at which all frames of an episode are sent.
   * @param reference the model's own size
   * @param maxPixels for `budget`: pixels per frame
   */
  sentSize(mode: FrameSizeMode, source: FrameSize, reference: FrameSize, maxPixels: number | undefined): FrameSize;
  /** Whether the reference's processor would shrink the frames of so long a video. */
  wouldShrink(frames: number, size: FrameSize): boolean;
}

/** The complete prompt of a generation as text: one turn of the user, and the start of the assistant's. */
export function generationText(family: Family, parts: PromptPart[]): string {
  const texts = parts.map((part) => ('text' in part ? part.text : family.imageText));
  return `${family.opening}${texts.join('')}${family.turnEnd('chat')}`;
}

/**
 * The complete prompt of a query as text.
 * @param times time of each block in seconds, such as "0.2"
 * @param text the method's text
 */
export function promptText(
  family: Family,
  times: string[],
  text: string,
  variant: PromptVariant,
  layout: PromptLayout,
): string {
  const blocks = times.map((time) => family.blockText(time, layout)).join('');
  return `${family.opening}${blocks}${text}${family.turnEnd(variant)}`;
}
