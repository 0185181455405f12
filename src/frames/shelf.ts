import { createHash } from 'node:crypto';
import type { Clock } from '../episode/clock.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import { invalidRequest } from '../field-errors.ts';
import { ProblemError } from '../problems.ts';
import type { HeldFrame } from './held-frame.ts';
import { letGo } from './let-go.ts';
import type { RecentFrames } from './recent-frames.ts';

/** Where uploaded frames stand, by their number in the episode. Only those that the schedule can show stay. */
export interface Shelf {
  /** @throws ProblemError unlisted-frame */
  put(frame: HeldFrame): void;
  /** Frames of the episode so far. */
  count(): number;
  peek(index: number): HeldFrame | undefined;
  /** Whether somebody else looks at the bytes that are handed out. */
  shared: boolean;
  /** Hands a frame out, for good where it can be let go; undefined where only its digest is known, or where it was let go. */
  take(index: number): HeldFrame | undefined;
  /** Frame numbers whose pixels are there. */
  held(): number[];
  /** SHA-256 that the caller gives for a frame; undefined where all frames are sent. */
  digest(index: number): string | undefined;
  /** Brings back those of these frames that are among the recent ones. @returns whether there were any */
  recall(indices: number[]): boolean;
  /** Number of the last frame that the schedule shows; undefined where all frames are sent. */
  lastShown: number | undefined;
}

/** For an episode that is sent whole: frames stand in the order in which they come. */
export function orderedShelf(clock: Clock, maxFrames: number): Shelf {
  const shown = new Set(sampleSchedule('fps' in clock ? maxFrames : clock.timestampsS.length, clock));
  const frames = new Map<number, HeldFrame>();
  let count = 0;
  return {
    put(frame) {
      // The schedule clips its last position to the last frame, so the newest one is always kept.
      const last = frames.get(count - 1);
      if (last && !shown.has(count - 1)) {
        frames.delete(count - 1);
        letGo(last.bytes);
      }
      frames.set(count, frame);
      count += 1;
    },
    count: () => count,
    peek: (index) => frames.get(index),
    shared: false,
    take(index) {
      const frame = frames.get(index);
      frames.delete(index);
      return frame;
    },
    held: () => [...frames.keys()],
    digest: () => undefined,
    recall: () => false,
    lastShown: undefined,
  };
}

/**
 * For an episode that grows: frames are known by their digests, and come in any order or not at all. Those that come are
 * also kept among the recent ones, for the next step and for a second try.
 * @param digests SHA-256 of every frame so far, empty for one that is not shown
 * @param pointer to the episode in the request
 * @throws ProblemError invalid-request, for a frame that is shown and has no digest
 */
export function listedShelf(digests: string[], clock: Clock, recent: RecentFrames, pointer: string): Shelf {
  const shown = sampleSchedule(digests.length, clock).filter((index) => index < digests.length);
  const unnamed = shown.find((index) => digests[index] === '');
  if (unnamed !== undefined)
    throw invalidRequest([
      { pointer: `${pointer}/frame_digests/${unnamed}`, detail: 'is empty, but the frame is shown' },
    ]);
  const places = new Map<string, number>();
  for (const [index, digest] of digests.entries()) if (digest && !places.has(digest)) places.set(digest, index);
  const wanted = new Set(shown.map((index) => digests[index] as string));
  const frames = new Map<string, HeldFrame>();
  const recall = (indices: number[]) => {
    const before = frames.size;
    for (const index of indices) {
      const digest = digests[index] as string;
      const frame = frames.get(digest) ?? recent.get(digest);
      if (frame) frames.set(digest, frame);
    }
    return frames.size > before;
  };
  // The engine has seen all blocks but the last one, which is new: a doubled frame, or a pair whose first one came a step before.
  recall(shown.slice(shown.length % 2 === 1 ? -1 : -2));
  return {
    put(frame) {
      const digest = createHash('sha256').update(frame.bytes).digest('hex');
      const index = places.get(digest);
      if (index === undefined) {
        const detail = `A frame with the digest ${digest} is not in \`frame_digests\`. It is the SHA-256 of the file's bytes or, in a .npy, of one frame's pixels.`;
        throw new ProblemError('unlisted-frame', detail, frame.place);
      }
      const known = { ...frame, place: { ...frame.place, frame: index } };
      if (wanted.has(digest)) frames.set(digest, known);
      // Until the next frame comes, timestamps leave open how long the newest one lasts: it may be shown from then on.
      if (wanted.has(digest) || digest === digests.at(-1)) recent.keep(digest, known);
    },
    count: () => digests.length,
    peek: (index) => frames.get(digests[index] as string),
    shared: true,
    // Frames that look alike have one digest, and the memory of recent ones holds on to it anyway.
    take: (index) => frames.get(digests[index] as string),
    held: () => shown.filter((index) => frames.has(digests[index] as string)),
    digest: (index) => digests[index],
    recall,
    lastShown: shown.at(-1),
  };
}
