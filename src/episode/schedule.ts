import { consecutivePairs } from '../scores/consecutive-pairs.ts';
import type { Clock } from './clock.ts';
import { roundHalfEven } from './rounding.ts';

/** Rate of the sampled frames, per second (`ALIGNED_VIDEO_SAMPLE_FPS` in the authors' code). */
const SAMPLE_FPS = 2;

/**
 * Selects the sampled frames: one every half second, or every frame if the rate is below 2 fps.
 * Positions on the frame axis are rounded half to even, clipped to the episode, and unique.
 * Source: arXiv 2602.19313, authors' code. That code has no timestamps. Here they are a curve from time to position, so that
 * evenly spaced timestamps select the same frames as their fps.
 * @param frameCount raw frames in the episode, ≥ 1
 * @returns increasing frame numbers, from 0
 */
export function sampleSchedule(frameCount: number, clock: Clock): number[] {
  const positions = 'fps' in clock ? evenPositions(frameCount, clock.fps) : timedPositions(clock.timestampsS);
  const frames = positions.map((position) => Math.min(roundHalfEven(position), frameCount - 1));
  return [...new Set(frames)];
}

/** numpy.arange(0, frameCount, step): ceil(frameCount / step) values k·step. */
function evenPositions(frameCount: number, fps: number): number[] {
  const step = Math.max(fps / SAMPLE_FPS, 1);
  return Array.from({ length: Math.ceil(frameCount / step) }, (_, k) => k * step);
}

/** Positions of the half seconds on a piecewise linear curve through the times of the frames. */
function timedPositions(timestampsS: number[]): number[] {
  const [start] = timestampsS;
  if (start === undefined) return [];
  const count = timestampsS.length;
  const spans = consecutivePairs(timestampsS.map((time) => (time - start) * SAMPLE_FPS));
  // The last frame lasts as long as the one before it, and a single frame one half second.
  const [beforeLast, ofLast] = spans.at(-1) ?? [-1, 0];
  spans.push([ofLast, ofLast + (ofLast - beforeLast)]);
  return spans.flatMap(([from, to], frame) => {
    const gap = to - from;
    const first = Math.ceil(from);
    const last = Math.ceil(from + gap) - 1;
    if (last < first) return [];
    // Positions between two frames round to one of the two. So the first and last position are enough, however long the gap.
    return [first, last].map((tick) => settle(frame + (tick - from) / gap)).filter((position) => position < count);
  });
}

/** Removes the rounding error of decimal times, and of Unix times: a position exactly halfway must not move to one side. */
function settle(position: number): number {
  return Math.round(position * 1e4) / 1e4;
}
