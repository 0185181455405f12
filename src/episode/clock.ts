/** When each raw frame was taken: an even rate in frames per second, or a rising time in seconds for each. */
export type Clock = { fps: number } | { timestampsS: number[] };

/**
 * Time of a raw frame in seconds, from the first frame.
 * @param index frame number, from 0
 */
export function frameTime(clock: Clock, index: number): number {
  if ('fps' in clock) return index / clock.fps;
  const { timestampsS } = clock;
  const time = (timestampsS[index] as number) - (timestampsS[0] as number);
  // Unix times in binary are good to a quarter of a microsecond; a time half way between two tenths must stay there.
  return Math.round(time * 1e6) / 1e6;
}
