/** The times of the raw frames: a constant rate in frames per second, or increasing times in seconds, one for each frame. */
export type Clock = { fps: number } | { timestampsS: number[] };

/**
 * Time of a raw frame in seconds, counted from the first frame.
 * @param index frame number, from 0
 */
export function frameTime(clock: Clock, index: number): number {
  if ('fps' in clock) return index / clock.fps;
  const { timestampsS } = clock;
  const time = (timestampsS[index] as number) - (timestampsS[0] as number);
  // Unix times as doubles are exact to a quarter of a microsecond only. A time halfway between two tenths must stay there.
  return Math.round(time * 1e6) / 1e6;
}
