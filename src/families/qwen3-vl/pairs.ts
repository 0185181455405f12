import { type Clock, frameTime } from '../../episode/clock.ts';
import type { PublishedFrame } from '../../episode/published-frames.ts';
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
 * @returns nothing for an even number
 * @throws RangeError if there are fewer frames
 */
export function doubledBlock(frames: number[], used: number, clock: Clock): Block[] {
  if (used % 2 === 0) return [];
  const last = frames[used - 1];
  if (last === undefined) throw new RangeError(`There is no frame ${used} of the sampled frames.`);
  return [block(last, last, clock)];
}

/** Puts frames with times of their own into pairs. An odd last frame is repeated, with its time. */
export function timedBlocks(frames: PublishedFrame[]): Block[] {
  const blocks: Block[] = [];
  let waiting: PublishedFrame | undefined;
  const close = (one: PublishedFrame, other: PublishedFrame) =>
    blocks.push({ frames: [one.frame, other.frame], time: oneDecimal((one.timeS + other.timeS) / 2) });
  for (const frame of frames) {
    if (waiting) close(waiting, frame);
    waiting = waiting ? undefined : frame;
  }
  if (waiting) close(waiting, waiting);
  return blocks;
}

function block(first: number, second: number, clock: Clock): Block {
  return { frames: [first, second], time: oneDecimal((frameTime(clock, first) + frameTime(clock, second)) / 2) };
}
