import { type Clock, frameTime } from '../../episode/clock.ts';
import { oneDecimal } from '../../episode/rounding.ts';
import type { Block } from '../../plan/plan.ts';

/** Puts sampled frames into pairs. An odd last frame is left over. @param frames raw frame numbers, increasing */
export function pairBlocks(frames: number[], clock: Clock): Block[] {
  return Array.from({ length: completePairs(frames.length) }, (_, i) =>
    block(frames[2 * i] as number, frames[2 * i + 1] as number, clock),
  );
}

/** The pair that repeats the last frame of an odd number of frames, as the reference does; null for an even number. */
export function doubledBlock(frames: number[], used: number, clock: Clock): Block | null {
  if (used % 2 === 0) return null;
  const last = frames[used - 1] as number;
  return block(last, last, clock);
}

/** Number of pairs in a number of frames. */
export function completePairs(used: number): number {
  return Math.floor(used / 2);
}

function block(first: number, second: number, clock: Clock): Block {
  return { first, second, time: oneDecimal((frameTime(clock, first) + frameTime(clock, second)) / 2) };
}
