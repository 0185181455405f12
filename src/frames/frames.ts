import type { VideoProvenance, Warning } from '../../schemas/reward.ts';
import type { Clock } from '../episode/clock.ts';
import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';
import type { HeldFrame } from './held-frame.ts';
import { createHeaderReader } from './image-header.ts';
import type { RecentFrames } from './recent-frames.ts';
import type { FrameEncoding } from './render-worker.ts';
import type { Renderer } from './renderer.ts';
import { digestOf, renderFrom } from './rendering.ts';
import { listedShelf, orderedShelf, type Shelf } from './shelf.ts';
import type { SizeLimits } from './size-limits.ts';

/** The frames of one episode: all counted and checked, only those that the schedule can show still held. */
export interface Frames {
  readonly count: number;
  readonly size: FrameSize;
  readonly warnings: Warning[];
  /** Where they come from a video: what the answer says of it. */
  readonly video?: VideoProvenance;
  /** How many of these frames have pixels here. */
  held(indices: number[]): number;
  /** Bytes of uploads that are held for them: in memory as long as they are, on disk until the request ends. */
  heldBytes(): { memory: number; disk: number };
  /** Brings back those of these frames that are among the recent ones of a growing episode. @returns whether there were any */
  recall(indices: number[]): boolean;
  /**
   * Waits until it is this episode's turn and renders frames. Their uploads are let go: each frame can be rendered once.
   * @param indices frame numbers that the schedule shows
   * @throws ProblemError image-too-large; the signal's reason when it aborts
   */
  render(indices: number[], to: FrameSize, encoding: FrameEncoding, signal: AbortSignal): Promise<ShownFrames>;
}

/** A frame as the model sees it; no bytes where a growing episode names it without sending it again. */
export interface ShownFrame {
  bytes: Uint8Array | null;
  /** SHA-256 of what was uploaded, in hex: with the episode's frame size it stands for the picture. */
  digest: string;
}

/** Frames that are being rendered, from the turn on. */
export interface ShownFrames {
  /** time spent waiting for the turn */
  waitedMs: number;
  /** time spent rendering until now, or until all were rendered */
  tookMs(): number;
  /** Aborts when a frame cannot be rendered, with the reason: nobody need wait until it would come. */
  failed: AbortSignal;
  /**
   * Frame numbers and frames in the order asked for, each as soon as it is there. They are rendered whether somebody takes them
   * or not; leaving the iteration ends that.
   * @throws ProblemError image-damaged; the signal's reason when it aborts
   */
  each(): AsyncGenerator<[index: number, frame: ShownFrame]>;
}

/** Takes frames in as they are uploaded. */
export interface FrameCollector {
  /** Says what is asked, which may be after the frames have come; lets go of every frame that will not be shown. */
  expect(request: { clock: Clock; frameDigests: string[] | undefined }, pointer: string): void;
  addImage(bytes: Buffer, place: ProblemPlace): Promise<void>;
  addPixels(bytes: Buffer, size: FrameSize, place: ProblemPlace): void;
  /** To be called when what is asked is known. @throws ProblemError no-frames or frames-missing */
  finish(): Frames;
}

export interface FrameLimits extends SizeLimits {
  MAX_FRAMES: number;
}

/**
 * @param recent frames that this tenant has sent for growing episodes
 * @param tenant whose turn it is to render them
 */
export function collectFrames(
  limits: FrameLimits,
  renderer: Renderer,
  recent: RecentFrames,
  tenant: string,
): FrameCollector {
  const early: HeldFrame[] = [];
  const seen = { alpha: false, turned: false };
  const readHeader = createHeaderReader(limits);
  let shelf: Shelf | undefined;
  let size: FrameSize | undefined;
  let count = 0;

  function add(bytes: Buffer, kind: 'file' | 'rgb', { width, height }: FrameSize, place: ProblemPlace) {
    if (count >= limits.MAX_FRAMES) throw tooManyFrames(limits.MAX_FRAMES, place);
    const frame = { bytes, kind, size: { width, height }, place };
    size ??= frame.size;
    checkSize(size, frame);
    count += 1;
    if (shelf) shelf.put(frame);
    else early.push(frame);
  }

  return {
    expect({ clock, frameDigests = [] }, pointer) {
      if (frameDigests.length > limits.MAX_FRAMES)
        throw tooManyFrames(limits.MAX_FRAMES, { pointer: `${pointer}/frame_digests` });
      shelf =
        frameDigests.length > 0
          ? listedShelf(frameDigests, clock, recent, pointer)
          : orderedShelf(clock, limits.MAX_FRAMES);
      for (const frame of early.splice(0)) shelf.put(frame);
    },
    async addImage(bytes, place) {
      const header = await readHeader(bytes, place);
      seen.alpha ||= header.hasAlpha;
      seen.turned ||= header.turned;
      add(bytes, 'file', header, place);
    },
    addPixels: (bytes, frameSize, place) => add(bytes, 'rgb', frameSize, place),
    finish() {
      const frames = shelf as Shelf;
      const known = size ?? frames.peek(frames.held()[0] as number)?.size;
      if (!known) throw nothingHeld(frames);
      const check = () => {
        for (const index of frames.held()) checkSize(known, frames.peek(index) as HeldFrame);
      };
      check();
      return {
        count: frames.count(),
        size: known,
        warnings: warningsOf(seen),
        held: (indices) => indices.filter((index) => frames.peek(index)).length,
        heldBytes() {
          const lengths = frames.held().map((index) => frames.peek(index)?.bytes.length ?? 0);
          return { memory: lengths.reduce((sum, length) => sum + length, 0), disk: 0 };
        },
        recall(indices) {
          const more = frames.recall(indices);
          check();
          return more;
        },
        render: renderFrom(frames, known, renderer, tenant),
      };
    },
  };
}

export function tooManyFrames(limit: number, place: ProblemPlace): ProblemError {
  return new ProblemError(
    'too-many-frames',
    `At most ${limit} frames are taken. Send a shorter episode or a lower rate.`,
    {
      ...place,
      limit,
    },
  );
}

/** Not one frame is here: an episode was sent without any, or one that grows names all of them. */
function nothingHeld(frames: Shelf): ProblemError {
  if (frames.lastShown === undefined)
    return new ProblemError('no-frames', 'Send the frames as `frames`, or as one `npy` or `video`.');
  const detail = 'Send at least this frame: the size of the episode’s frames is read from it.';
  return new ProblemError('frames-missing', detail, { missing: [digestOf(frames, frames.lastShown)] });
}

/** @throws ProblemError frame-sizes-differ */
function checkSize(first: FrameSize, { size: { width, height }, place }: HeldFrame): void {
  if (first.width === width && first.height === height) return;
  const detail = `This frame is ${width}×${height}, another one ${first.width}×${first.height}. An episode has one size.`;
  throw new ProblemError('frame-sizes-differ', detail, place);
}

function warningsOf(seen: { alpha: boolean; turned: boolean }): Warning[] {
  const warnings: Warning[] = [];
  if (seen.alpha)
    warnings.push({ code: 'alpha-dropped', message: 'Frames have an alpha channel; it was dropped, not blended.' });
  if (seen.turned) {
    warnings.push({
      code: 'orientation-ignored',
      message: 'Frames have an EXIF orientation; it was ignored, as the reference does.',
    });
  }
  return warnings;
}
