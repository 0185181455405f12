import { valueOrderCorrelation } from '../../scores/value-order-correlation.ts';
import type { FrameReading } from './reading.ts';

/** A frame of the prompt, and what the generated text says about it. */
type ReadFrame = FrameReading & {
  /** raw frame number */
  frame: number;
  /** its number in the prompt, from 1 */
  shown: number;
};

/**
 * Puts what was read into the order of time.
 * @param frames raw frame numbers in the order of the prompt, each once
 * @param readings one for each of them
 */
export function inTimeOrder(frames: number[], readings: FrameReading[]): ReadFrame[] {
  return readings
    .map((reading, i) => ({ ...reading, frame: frames[i] ?? Number.NaN, shown: i + 1 }))
    .sort((a, b) => a.frame - b.frame);
}

/**
 * VOC of GVL: Spearman's rank correlation of the values with time, over the frames that have a value.
 * @param readings in the order of time
 * @returns −1…1, or null with fewer than two values or if all values are equal
 */
export function gvlCorrelation(readings: FrameReading[]): number | null {
  return valueOrderCorrelation(readings.flatMap(({ value }) => value ?? []));
}
