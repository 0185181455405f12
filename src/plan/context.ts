import type { PrefixSelection } from '../../schemas/episode.ts';
import type { Clock } from '../episode/clock.ts';
import { prefixLengths } from '../episode/prefixes.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import { ProblemError } from '../problems.ts';
import type { FrameSize, FrameSizeMode } from './frame-size.ts';
import { framesShown } from './plan.ts';

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
  const most = Math.min(Math.floor(contextTokens / blockTokens), maxBlocks ?? Number.POSITIVE_INFINITY);
  if (Math.ceil(framesUsed / 2) > most) throw tooLong(framesUsed, isReference ? fittingFrames(limits) : 2 * most);
}

/**
 * The same for an episode that names its frames, as soon as it is read: its frames need not be looked up.
 * @throws ProblemError context-exceeded
 */
export function checkNamedFrames(
  { frameDigests, clock, prefixes, frameSize }: NamedFrames,
  limits: ContextLimits,
): void {
  if (!frameDigests || !clock) return;
  const count = frameDigests.length;
  const longest = prefixLengths(count, prefixes).slice(-1);
  const [framesUsed = 1] = framesShown(sampleSchedule(count, clock), longest);
  // Only the reference size is known before a frame is.
  const size = frameSize === 'reference' ? limits.referenceFrame : { width: 0, height: 0 };
  checkContext(framesUsed, size, limits);
}

interface NamedFrames {
  frameDigests: string[] | undefined;
  clock: Clock | undefined;
  prefixes: PrefixSelection;
  frameSize: FrameSizeMode;
}

/** Tokens of an ordinary question. */
const QUESTION_TOKENS = 64;
/** Tokens by which a time of some minutes is longer than the shortest time. */
const LATE_TIME_TOKENS = 2;

/** About how many sampled frames fit at the reference frame size, with a short instruction: rather too few than too many. */
export function fittingFrames({ contextTokens, maxBlocks, tokensPerBlock }: ContextLimits): number {
  const blocks = Math.floor((contextTokens - QUESTION_TOKENS) / (tokensPerBlock + LATE_TIME_TOKENS));
  return 2 * Math.max(1, Math.min(blocks, maxBlocks ?? blocks));
}

/** Most tokens of a question. Each prefix pays for them anew: no cache holds what follows a prefix's last block. */
const MAX_QUESTION_TOKENS = 1024;

/**
 * Bounds what an instruction can cost.
 * @param tokens of the text that follows the last block
 * @param pointer to the episode in the request
 * @throws ProblemError instruction-too-long
 */
export function checkQuestion(tokens: number, pointer: string): void {
  if (tokens <= MAX_QUESTION_TOKENS) return;
  const detail = `The question with this instruction is ${tokens} tokens long; at most ${MAX_QUESTION_TOKENS} are taken. Send a shorter instruction.`;
  const place = { pointer: `${pointer}/instruction`, limit: MAX_QUESTION_TOKENS };
  throw new ProblemError('instruction-too-long', detail, place);
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
