import { type Clock, frameTime } from '../../episode/clock.ts';
import { oneDecimal } from '../../episode/rounding.ts';
import type { Block } from '../../plan/plan.ts';

/** Puts sampled frames into pairs. An odd last frame is left over. @param frames raw frame numbers, increasing */
export function pairBlocks(frames: number[], clock: Clock): Block[] {
  const blocks: Block[] = [];
  let waiting: number | undefined;
  for (const frame of frames) {
    if (waiting === undefined) {
      waiting = frame;
      continue;
    }
    blocks.push(block(waiting, frame, clock));
    waiting = undefined;
  }
  return blocks;
}

/**
 * The pair that repeats the last frame of an odd number of frames, as the reference does.
 * @returns null for an even number
 * @throws RangeError if there are fewer frames
 */
export function doubledBlock(frames: number[], used: number, clock: Clock): Block | null {
  if (used % 2 === 0) return null;
  const last = frames[used - 1];
  if (last === undefined) throw new RangeError(`There is no frame ${used} of the sampled frames.`);
  return block(last, last, clock);
}

/** Number of pairs in a number of frames. */
export function completePairs(used: number): number {
  return Math.floor(used / 2);
}

function block(first: number, second: number, clock: Clock): Block {
  return { first, second, time: oneDecimal((frameTime(clock, first) + frameTime(clock, second)) / 2) };
}
