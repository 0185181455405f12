import type { FrameSizeMode } from '../../schemas/enumerations.ts';
import type { PrefixSelection } from '../../schemas/episode.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import type { Clock } from '../episode/clock.ts';
import { prefixLengths } from '../episode/prefixes.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import { ProblemError } from '../problems/problems.ts';
import { framesUsed } from './plan.ts';

/** The longest prompt that an engine accepts. */
export interface ContextLimits {
  contextTokens: number;
  /** most blocks in one prompt; null if only the context limits them */
  maxBlocks: number | null;
  /** prompt tokens of the smallest block at the reference frame size */
  tokensPerBlock: number;
  /** its frames in a complete block */
  family: { framesPerBlock: 1 | 2 };
  referenceFrame: FrameSize;
}

/**
 * Tokens of the smallest block at any frame size, by its number of frames. A pair has the shortest time, the start and end tokens, and
 * one video token. An image may have no more than one token.
 */
const LEAST_TOKENS_PER_BLOCK = { 1: 1, 2: 8 };

/**
 * Refuses an episode that is longer than the model's context, before it is planned and before a frame is decoded. If the frame
 * size is not the reference size, only episodes that cannot fit at all are refused here; the engine counts exactly.
 * @param frames sampled frames of the longest prefix
 * @param size of the frames that are sent
 * @throws ProblemError context-exceeded
 */
export function checkContext(frames: number, size: FrameSize, limits: ContextLimits): void {
  const { contextTokens, maxBlocks, tokensPerBlock, referenceFrame } = limits;
  const { framesPerBlock } = limits.family;
  const isReference = size.width === referenceFrame.width && size.height === referenceFrame.height;
  const blockTokens = isReference ? tokensPerBlock : LEAST_TOKENS_PER_BLOCK[framesPerBlock];
  const most = Math.min(Math.floor(contextTokens / blockTokens), maxBlocks ?? Number.POSITIVE_INFINITY);
  if (Math.ceil(frames / framesPerBlock) > most)
    throw tooLong(frames, isReference ? fittingFrames(limits) : framesPerBlock * most);
}

/**
 * The same check for a growing episode, as soon as its options are read: its frames are not needed.
 * @throws ProblemError context-exceeded
 */
export function checkNamedFrames(
  { frameDigests, clock, prefixes, frameSize }: NamedFrames,
  limits: ContextLimits,
): void {
  if (!frameDigests || !clock) return;
  const count = frameDigests.length;
  const longest = prefixLengths(count, prefixes).at(-1) ?? 1;
  // Other frame sizes depend on the frames, which are not known yet.
  const size = frameSize === 'reference' ? limits.referenceFrame : { width: 0, height: 0 };
  checkContext(framesUsed(sampleSchedule(count, clock), longest), size, limits);
}

interface NamedFrames {
  frameDigests: string[] | undefined;
  clock: Clock | undefined;
  prefixes: PrefixSelection;
  frameSize: FrameSizeMode;
}

/** Tokens of the prompt text after the last block, with an ordinary instruction. */
const ORDINARY_TEXT_TOKENS = 64;
/** Tokens that a time of some minutes needs in addition to the shortest time. */
const LATE_TIME_TOKENS = 2;

/** About how many sampled frames fit at the reference frame size with a short instruction. The estimate is on the low side. */
export function fittingFrames({ contextTokens, maxBlocks, tokensPerBlock, family }: ContextLimits): number {
  const blocks = Math.floor((contextTokens - ORDINARY_TEXT_TOKENS) / (tokensPerBlock + LATE_TIME_TOKENS));
  return family.framesPerBlock * Math.max(1, Math.min(blocks, maxBlocks ?? blocks));
}

/** Most tokens of the prompt text after the last block. They are computed again for each prefix, because no cache has them. */
const MAX_TEXT_TOKENS = 1024;

/**
 * Limits the computation that an instruction can cause.
 * @param tokens tokens of the text that follows the last block
 * @param pointer JSON pointer to the instruction in the request
 * @throws ProblemError instruction-too-long
 */
export function checkTextLength(tokens: number, pointer: string): void {
  if (tokens <= MAX_TEXT_TOKENS) return;
  const detail = `The prompt text with this instruction has ${tokens} tokens; the limit is ${MAX_TEXT_TOKENS}. Send a shorter instruction.`;
  throw new ProblemError('instruction-too-long', detail, { pointer, limit: MAX_TEXT_TOKENS });
}

/**
 * The problem of an episode that does not fit into the model's context.
 * @param framesUsed sampled frames of the longest prefix
 * @param fitting about how many sampled frames the engine accepts
 */
export function tooLong(framesUsed: number, fitting: number, cause?: unknown): ProblemError {
  const detail = `The longest prefix has ${framesUsed} sampled frames (2 per second); about ${fitting} fit. Send a shorter episode, shorter prefixes or, if the model accepts them, smaller frames.`;
  return new ProblemError('context-exceeded', detail, { limit: fitting }, cause);
}
