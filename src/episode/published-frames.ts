import { roundHalfEven } from './rounding.ts';

/** The published pipeline assumes this frame rate, whatever the true one is. */
const ASSUMED_FPS = 24;
/** It shows two frames per assumed second, but at least 4 and at most 768. */
const SAMPLE_FPS = 2;
const LEAST = 4;
const MOST = 768;

/** A frame that a prefix shows, and its time in the prompt. */
export interface PublishedFrame {
  /** raw frame number */
  frame: number;
  /** seconds, at the assumed rate */
  timeS: number;
}

/**
 * The number of frames that the published pipeline shows of a prefix.
 * @param length of the prefix in raw frames, ≥ 1
 */
export function publishedCount(length: number): number {
  const frames = evenLength(length);
  const wanted = Math.trunc((frames / ASSUMED_FPS) * SAMPLE_FPS);
  return Math.min(Math.max(wanted, LEAST), MOST, frames);
}

/**
 * The frames that the published pipeline shows of a prefix: evenly spaced, from the first frame to the last.
 * Source: the authors' first release (commit 4877a0e) with transformers 4.57.1 and qwen-vl-utils 0.0.14. The prefix is first made
 * even by repeating its last frame; positions are numpy.linspace, rounded half to even.
 * @param length of the prefix in raw frames, ≥ 1
 */
export function publishedFrames(length: number): PublishedFrame[] {
  const last = evenLength(length) - 1;
  const count = publishedCount(length);
  const step = last / (count - 1);
  return Array.from({ length: count }, (_, i) => {
    const position = i === count - 1 ? last : roundHalfEven(i * step);
    // The repeated frame has a place, and so a time, of its own.
    return { frame: Math.min(position, length - 1), timeS: position / ASSUMED_FPS };
  });
}

function evenLength(length: number): number {
  return length + (length % 2);
}
