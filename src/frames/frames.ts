import { createHash } from 'node:crypto';
import type { FrameSize, VideoProvenance } from '../../schemas/reward.ts';
import type { Clock } from '../episode/clock.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';
import { completeStore, type FrameStore, listedStore, orderedStore } from './frame-store.ts';
import { createHeaderReader } from './image-header.ts';
import type { RecentFrames } from './recent-frames.ts';
import type { RenderFrames } from './rendered.ts';
import type { Renderer } from './renderer.ts';
import { digestOf, renderFrom } from './rendering.ts';
import type { SizeLimits } from './size-limits.ts';
import type { UploadedFrame } from './uploaded-frame.ts';

/** The frames of one episode. All are counted and checked; only those that the schedule can select are still held. */
export interface Frames {
  /** number of frames of the episode */
  readonly count: number;
  /** size of the uploaded frames, in pixels */
  readonly size: FrameSize;
  readonly warnings: EpisodeWarning[];
  /** If the frames come from a video: its provenance for the response. */
  readonly video?: VideoProvenance;
  /** How many of these frames have pixels here. */
  countUploaded(indices: number[]): number;
  /** Bytes of uploads that are held: in memory until the frames are rendered, on disk until the request ends. */
  uploadedBytes(): { memory: number; disk: number };
  /**
   * Takes these frames from the recent frames of growing episodes, if they are there.
   * @returns true if any was found
   */
  restoreRecent(indices: number[]): boolean;
  /**
   * Names where the episode begins, before a frame is rendered: the same for every request about a growing episode. Different episodes
   * may have the same one. Call it before `render`.
   */
  origin(): Promise<string>;
  render: RenderFrames;
}

/** What decides which frames are held. */
interface ExpectedFrames {
  clock: Clock;
  frameDigests: string[] | undefined;
  /** whether every frame is held until the request ends, because any of them may be shown */
  holdsAll: boolean;
  /** whether frames are rendered more than once */
  renderedAgain: boolean;
}

/** Collects frames as they are uploaded. */
export interface FrameCollector {
  /**
   * Sets the clock and the digests of the episode, before or after frames arrive. Releases frames that are not sampled.
   * @param request.renderedAgain whether frames are rendered more than once
   */
  expect(request: ExpectedFrames, pointer: string): void;
  /**
   * Adds an image file.
   * @throws ProblemError for a file that is not an accepted image, or a frame that exceeds a limit
   */
  addImage(bytes: Buffer, place: ProblemPlace): Promise<void>;
  /** Adds raw pixels, height × width × 3 bytes, red first. @throws ProblemError for a frame that exceeds a limit */
  addPixels(bytes: Buffer, size: FrameSize, place: ProblemPlace): void;
  /** Ends the collection. Call `expect` first. @throws ProblemError no-frames or frames-missing */
  finish(): Frames;
}

/** Limits for the frames of one episode. */
interface FrameLimits extends SizeLimits {
  MAX_FRAMES: number;
}

/**
 * Creates a collector for the frames of one episode.
 * @param recent frames that this tenant has sent for growing episodes
 * @param tenant owner of the episode; tenants take turns at rendering
 */
export function collectFrames(
  limits: FrameLimits,
  renderer: Renderer,
  recent: RecentFrames,
  tenant: string,
): FrameCollector {
  const early: UploadedFrame[] = [];
  const seen = { alpha: false, rotated: false };
  const readHeader = createHeaderReader(limits);
  let store: FrameStore | undefined;
  let size: FrameSize | undefined;
  let count = 0;

  function add(bytes: Buffer, kind: 'file' | 'rgb', { width, height }: FrameSize, place: ProblemPlace) {
    if (count >= limits.MAX_FRAMES) throw tooManyFrames(limits.MAX_FRAMES, place);
    const frame = { bytes, kind, size: { width, height }, place };
    size ??= frame.size;
    checkSize(size, frame);
    count += 1;
    if (store) store.put(frame);
    else early.push(frame);
  }

  return {
    expect({ clock, frameDigests = [], holdsAll, renderedAgain }, pointer) {
      if (frameDigests.length > limits.MAX_FRAMES)
        throw tooManyFrames(limits.MAX_FRAMES, { pointer: `${pointer}/frame_digests` });
      store =
        frameDigests.length > 0
          ? listedStore(frameDigests, clock, recent, pointer)
          : holdsAll
            ? completeStore()
            : orderedStore(clock, limits.MAX_FRAMES, renderedAgain);
      for (const frame of early.splice(0)) store.put(frame);
    },
    async addImage(bytes, place) {
      const header = await readHeader(bytes, place);
      seen.alpha ||= header.hasAlpha;
      seen.rotated ||= header.rotated;
      add(bytes, 'file', header, place);
    },
    addPixels: (bytes, frameSize, place) => add(bytes, 'rgb', frameSize, place),
    finish() {
      const frames = store;
      if (!frames) throw new Error('The clock of the episode is not set.');
      const known = size ?? frames.uploaded()[0]?.size;
      if (!known) throw nothingHeld(frames);
      const check = () => {
        for (const frame of frames.uploaded()) checkSize(known, frame);
      };
      check();
      let begins: string | undefined;
      return {
        count: frames.count(),
        size: known,
        warnings: frameWarnings(seen),
        countUploaded: (indices) => indices.filter((index) => frames.peek(index)).length,
        uploadedBytes() {
          const lengths = frames.uploaded().map(({ bytes }) => bytes.length);
          return { memory: lengths.reduce((sum, length) => sum + length, 0), disk: 0 };
        },
        restoreRecent(indices) {
          const more = frames.restoreRecent(indices);
          check();
          return more;
        },
        origin: async () => (begins ??= beginningOf(frames)),
        render: renderFrom(frames, known, renderer, tenant),
      };
    },
  };
}

/** The digest of the first frame, which no later frame changes. */
function beginningOf(frames: FrameStore): string {
  const first = frames.peek(0);
  return frames.digest(0) ?? (first ? createHash('sha256').update(first.bytes).digest('hex') : '');
}

/** Makes the problem for an episode with more frames than `limit`. */
export function tooManyFrames(limit: number, place: ProblemPlace): ProblemError {
  return new ProblemError(
    'too-many-frames',
    `An episode may have at most ${limit} frames. Send a shorter episode, or fewer frames per second.`,
    {
      ...place,
      limit,
    },
  );
}

/**
 * Makes the problem for an episode of which no frame is here: it was sent without frames, or a growing one only names
 * them.
 */
function nothingHeld(frames: FrameStore): ProblemError {
  if (frames.lastSampled === undefined)
    return new ProblemError(
      'no-frames',
      'The request has no frames. Send them as `frames`, or as one `npy` or `video`.',
    );
  const detail =
    'Send at least the frame listed in `missing`: the service reads the frame size of the episode from it.';
  return new ProblemError('frames-missing', detail, { missing: [digestOf(frames, frames.lastSampled)] });
}

/** @throws ProblemError frame-sizes-differ */
function checkSize(first: FrameSize, { size: { width, height }, place }: UploadedFrame): void {
  if (first.width === width && first.height === height) return;
  const detail = `This frame is ${width}×${height} pixels, another one is ${first.width}×${first.height}. All frames of an episode must have the same size.`;
  throw new ProblemError('frame-sizes-differ', detail, place);
}

function frameWarnings(seen: { alpha: boolean; rotated: boolean }): EpisodeWarning[] {
  const warnings: EpisodeWarning[] = [];
  if (seen.alpha)
    warnings.push({ code: 'alpha-dropped', message: 'Frames have an alpha channel. It was dropped, not blended.' });
  if (seen.rotated) {
    warnings.push({
      code: 'orientation-ignored',
      message: 'Frames have an EXIF orientation. It was ignored, as in the reference.',
    });
  }
  return warnings;
}
