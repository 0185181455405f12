import { createHash } from 'node:crypto';
import { invalidRequest } from '../checking/field-errors.ts';
import type { Clock } from '../episode/clock.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import { ProblemError } from '../problems/problems.ts';
import { freeBytes } from '../process/free-bytes.ts';
import type { RecentFrames } from './recent-frames.ts';
import type { UploadedFrame } from './uploaded-frame.ts';

/** The uploaded frames of an episode, by frame number. Only frames that the schedule can select stay in memory. */
export interface FrameStore {
  /** Adds a frame. @throws ProblemError unlisted-frame */
  put(frame: UploadedFrame): void;
  /** Number of frames of the episode so far. */
  count(): number;
  /** Returns a frame and keeps it here. */
  peek(index: number): UploadedFrame | undefined;
  /** true if the frames that `take` returns have other users, so that their memory must not be released */
  shared: boolean;
  /**
   * Returns a frame. If frames are not shared, it is removed from here.
   * @returns undefined if only the digest of the frame is known, or if its memory was released
   */
  take(index: number): UploadedFrame | undefined;
  /** The sampled frames whose pixels are here. */
  uploaded(): UploadedFrame[];
  /** SHA-256 that the caller gives for a frame; undefined if the episode is sent complete. */
  digest(index: number): string | undefined;
  /** Takes these frames from the recent frames, if they are there. @returns true if any was found */
  restoreRecent(indices: number[]): boolean;
  /** Number of the last sampled frame; undefined if the episode is sent complete. */
  lastSampled: number | undefined;
}

/**
 * For an episode that is sent complete: frames are numbered in the order in which they arrive.
 * @param renderedAgain whether frames are rendered more than once, so that `take` must not remove them
 */
export function orderedStore(clock: Clock, maxFrames: number, renderedAgain: boolean): FrameStore {
  const shown = new Set(sampleSchedule('fps' in clock ? maxFrames : clock.timestampsS.length, clock));
  const frames = new Map<number, UploadedFrame>();
  let count = 0;
  return {
    put(frame) {
      // The schedule may select the last frame of the episode, whatever its number, so the newest frame always stays.
      const last = frames.get(count - 1);
      if (last && !shown.has(count - 1)) {
        frames.delete(count - 1);
        freeBytes(last.bytes);
      }
      frames.set(count, frame);
      count += 1;
    },
    count: () => count,
    peek: (index) => frames.get(index),
    shared: renderedAgain,
    take(index) {
      const frame = frames.get(index);
      if (!renderedAgain) frames.delete(index);
      return frame;
    },
    uploaded: () => [...frames.values()],
    digest: () => undefined,
    restoreRecent: () => false,
    lastSampled: undefined,
  };
}

/** For an episode that is sent complete and whose every frame may be rendered, at several sizes: all frames stay. */
export function completeStore(): FrameStore {
  const frames: UploadedFrame[] = [];
  return {
    put: (frame) => void frames.push(frame),
    count: () => frames.length,
    peek: (index) => frames[index],
    shared: true,
    take: (index) => frames[index],
    uploaded: () => frames,
    digest: () => undefined,
    restoreRecent: () => false,
    lastSampled: undefined,
  };
}

/**
 * For a growing episode: frames are identified by their digests, and arrive in any order or not at all. Those that
 * arrive are also kept among the recent frames, for the next step or a retry.
 * @param digests SHA-256 of every frame so far; may be empty for a frame that is not sampled
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError invalid-request, for a sampled frame without a digest
 */
export function listedStore(digests: string[], clock: Clock, recent: RecentFrames, pointer: string): FrameStore {
  const shown = sampleSchedule(digests.length, clock).filter((index) => index < digests.length);
  const unnamed = shown.find((index) => digests[index] === '');
  if (unnamed !== undefined)
    throw invalidRequest([
      {
        pointer: `${pointer}/frame_digests/${unnamed}`,
        detail: 'is empty, but the schedule selects this frame: give its digest',
      },
    ]);
  const places = new Map<string, number>();
  for (const [index, digest] of digests.entries()) if (digest && !places.has(digest)) places.set(digest, index);
  const wanted = new Set(shown.map((index) => digests[index]));
  const frames = new Map<string, UploadedFrame>();
  const peek = (index: number) => {
    const digest = digests[index];
    return digest === undefined ? undefined : frames.get(digest);
  };
  const restoreRecent = (indices: number[]) => {
    const before = frames.size;
    for (const index of indices) {
      const digest = digests[index];
      if (digest === undefined) continue;
      const frame = frames.get(digest) ?? recent.get(digest);
      if (frame) frames.set(digest, frame);
    }
    return frames.size > before;
  };
  // The engine has all blocks from earlier steps except the last one, which has this frame.
  restoreRecent(shown.slice(-1));
  return {
    put(frame) {
      const digest = createHash('sha256').update(frame.bytes).digest('hex');
      const index = places.get(digest);
      if (index === undefined) {
        const detail = `\`frame_digests\` does not list this frame, whose digest is ${digest}. A digest is the SHA-256 of the file's bytes or, in a .npy file, of one frame's pixels.`;
        throw new ProblemError('unlisted-frame', detail, frame.place);
      }
      const known = { ...frame, place: { ...frame.place, frame: index } };
      if (wanted.has(digest)) frames.set(digest, known);
      // Timestamps do not tell how long the newest frame lasts. When the next frame arrives, it may become a sampled
      // frame.
      if (wanted.has(digest) || digest === digests.at(-1)) recent.keep(digest, known);
    },
    count: () => digests.length,
    peek,
    shared: true,
    // Identical frames have one digest, and the recent frames keep it too, so it must stay here.
    take: peek,
    uploaded: () => shown.flatMap((index) => peek(index) ?? []),
    digest: (index) => digests[index],
    restoreRecent,
    lastSampled: shown.at(-1),
  };
}
