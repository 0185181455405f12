import { ProblemError } from '../problems.ts';
import type { FrameSize } from './frame-size.ts';

/** How long a prompt an engine takes. */
export interface ContextLimits {
  contextTokens: number;
  /** most blocks in one prompt; null where only the context bounds them */
  maxBlocks: number | null;
  /** prompt tokens of the smallest block at the reference frame size */
  tokensPerBlock: number;
  referenceFrame: FrameSize;
}

/** Tokens of the smallest block at any frame size: the shortest time, the two marks of a block and one video token. */
const LEAST_TOKENS_PER_BLOCK = 8;

/**
 * Refuses an episode that is longer than the model's context, before a plan is made for it or a frame is decoded. At other
 * sizes than the reference only what cannot fit at all is refused here: the engine counts exactly.
 * @param framesUsed sampled frames of the longest prefix
 * @param size of the frames that are sent
 * @throws ProblemError context-exceeded
 */
export function checkContext(framesUsed: number, size: FrameSize, limits: ContextLimits): void {
  const { contextTokens, maxBlocks, tokensPerBlock, referenceFrame } = limits;
  const isReference = size.width === referenceFrame.width && size.height === referenceFrame.height;
  const blockTokens = isReference ? tokensPerBlock : LEAST_TOKENS_PER_BLOCK;
  const fitting = Math.min(Math.floor(contextTokens / blockTokens), maxBlocks ?? Number.POSITIVE_INFINITY);
  if (Math.ceil(framesUsed / 2) > fitting) throw tooLong(framesUsed, 2 * fitting);
}

/**
 * The problem of an episode that the model's context does not hold.
 * @param framesUsed sampled frames of the longest prefix
 * @param fitting about how many sampled frames the engine takes
 */
export function tooLong(framesUsed: number, fitting: number, cause?: unknown): ProblemError {
  const detail = `The longest prefix shows ${framesUsed} sampled frames (2 a second); about ${fitting} fit. Send a shorter episode, shorter prefixes or, where the engine takes them, smaller frames.`;
  return new ProblemError('context-exceeded', detail, { limit: fitting }, cause);
}
