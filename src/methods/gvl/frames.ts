/**
 * The frames that GVL shows: the authors' uniform sampler. A short episode is shown completely. Of a longer one, the values of
 * `numpy.linspace(1, frameCount − 1, count, dtype=int)` are shown, so without frame 0. The first of them is also the initial scene.
 * @param frameCount raw frames in the episode, ≥ 1
 * @param count most frames to show, ≥ 1
 * @returns increasing frame numbers
 */
export function evenFrames(frameCount: number, count: number): number[] {
  if (frameCount <= count) return Array.from({ length: frameCount }, (_, i) => i);
  if (count === 1) return [1];
  const last = frameCount - 1;
  const step = (last - 1) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? last : Math.floor(i * step + 1)));
}
