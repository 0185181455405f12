/** The times of the raw frames: a constant rate in frames per second, or increasing times in seconds, one for each frame. */
export type Clock = { fps: number } | { timestampsS: number[] };

/**
 * Time of a raw frame in seconds, counted from the first frame.
 * @param index frame number, from 0
 * @throws RangeError if the clock has no time for the frame
 */
export function frameTime(clock: Clock, index: number): number {
  if ('fps' in clock) return index / clock.fps;
  const { timestampsS } = clock;
  const [start] = timestampsS;
  const time = timestampsS[index];
  if (start === undefined || time === undefined) throw new RangeError(`Frame ${index} has no time.`);
  // Unix times as doubles are exact to a quarter of a microsecond only. A time halfway between two tenths must stay there.
  return Math.round((time - start) * 1e6) / 1e6;
}
