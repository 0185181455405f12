import type { FrameSizeMode, PromptLayout, PromptVariant } from '../../schemas/enumerations.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import type { Clock } from '../episode/clock.ts';
import type { PublishedFrame } from '../episode/published-frames.ts';
import type { PromptPart } from '../plan/generation.ts';
import type { NonEmpty } from '../plan/non-empty.ts';
import type { Block, Resampling } from '../plan/plan.ts';

/** How a family of models receives frames: the markup around them, their sizes, and how they are put into blocks. A profile names it. */
export interface Family {
  /** name of its profile */
  name: string;
  /** Whether the profile says how its numbers were compared. */
  verified: boolean;
  /** How vLLM receives a block: as a video, or as an image. */
  media: 'video' | 'image';
  /** Frames in a complete block. */
  framesPerBlock: 1 | 2;
  /** Values of `frame_size` that a vLLM with such a model accepts. */
  frameSizes: FrameSizeMode[];
  /** Layouts that a prompt with blocks can have. */
  layouts: Readonly<NonEmpty<PromptLayout>>;
  /** Text of the token that stands for all tokens of one block. */
  blockToken: string;
  /** Text of the token that stands for all tokens of an image that is not in a block. */
  imageToken: string;
  /** The prompt text before a turn that begins with a frame, or with a text. */
  opening(first: 'frame' | 'text'): string;
  /**
   * The prompt text that is sent before a block. A video has its time in its file instead.
   * @param time in seconds, such as "0.2"
   */
  textBefore(time: string): string;
  /**
   * The prompt text of one block, as the model receives it.
   * @param time in seconds, such as "0.2"
   */
  blockText(time: string, layout: PromptLayout): string;
  /** The prompt text of an image that is not in a block. */
  imageText: string;
  /**
   * Tokens of such an image, without the markup around it.
   * @returns undefined if only the engine knows
   */
  imageTokens(size: FrameSize): number | undefined;
  /** The prompt text after a method's text: the end of the turn. */
  turnEnd(variant: PromptVariant): string;
  /** The text of TOPReward about an instruction, if it is not that of the authors for Qwen3-VL. */
  statement: ((instruction: string) => string) | undefined;
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
  /** How the published pipeline shows frames. Undefined: it is defined for another family only. */
  published: PublishedPipeline | undefined;
  /** How GVL shows its frames as images. @param reference the model's own size */
  gvlFrames(reference: FrameSize): { size: FrameSize; resampling: Resampling };
  /**
   * The size at which all frames of an episode are sent.
   * @param reference the model's own size
   * @param maxPixels for `budget`: pixels per frame
   */
  sentSize(mode: FrameSizeMode, source: FrameSize, reference: FrameSize, maxPixels: number | undefined): FrameSize;
  /** Whether the reference's processor would shrink the frames of so long a video. */
  wouldShrink(frames: number, size: FrameSize): boolean;
}

/** The published pipeline as a family sees it. */
export interface PublishedPipeline {
  /**
   * The blocks of a prefix, where each frame has a time of its own.
   * @param frames at least one
   */
  blocks(frames: PublishedFrame[]): Block[];
  /** The size at which the frames of a prefix are sent. @param count how many the prefix shows */
  size(count: number): FrameSize;
}

/** The complete prompt of a generation as text: one turn of the user, and the start of the assistant's. */
export function generationText(family: Family, parts: PromptPart[]): string {
  const [first] = parts;
  const opening = family.opening(first && 'frame' in first ? 'frame' : 'text');
  const texts = parts.map((part) => ('text' in part ? part.text : family.imageText));
  return `${opening}${texts.join('')}${family.turnEnd('chat')}`;
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
  const first = family.textBefore(times[0] ?? '') === '' ? 'frame' : 'text';
  return `${family.opening(first)}${blocks}${text}${family.turnEnd(variant)}`;
}
