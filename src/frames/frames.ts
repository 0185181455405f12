import type { VideoProvenance, Warning } from '../../schemas/reward.ts';
import type { Clock } from '../episode/clock.ts';
import { sampleSchedule } from '../episode/schedule.ts';
import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';
import { readImageHeader } from './image-header.ts';
import type { FrameEncoding, RenderedFrame } from './render-worker.ts';
import type { Renderer } from './renderer.ts';

/** The frames of one episode: all counted and checked, only those that the schedule can show still held. */
export interface Frames {
  readonly count: number;
  readonly size: FrameSize;
  readonly warnings: Warning[];
  /** Where they come from a video: what the answer says of it. */
  readonly video?: VideoProvenance;
  /**
   * Renders frames, when it is this episode's turn, and lets their uploads go: each frame can be rendered once.
   * @param indices frame numbers that the schedule shows
   * @throws ProblemError image-damaged; the signal's reason when it aborts
   */
  render(indices: number[], to: FrameSize, encoding: FrameEncoding, signal: AbortSignal): Promise<RenderedFrames>;
}

export interface RenderedFrames {
  /** by frame number, in the order asked for */
  frames: Map<number, RenderedFrame>;
  /** time spent waiting for the turn */
  waitedMs: number;
}

/** Takes frames in as they are uploaded. */
export interface FrameCollector {
  /** Lets go, now and from here on, of every frame that this clock's schedule never shows. */
  showOnly(clock: Clock): void;
  addImage(bytes: Buffer, place: ProblemPlace): Promise<void>;
  addPixels(bytes: Buffer, size: FrameSize, place: ProblemPlace): void;
  /** @throws ProblemError no-frames */
  finish(): Frames;
}

export interface FrameLimits {
  MAX_FRAMES: number;
  MAX_FRAME_PIXELS: number;
}

export function collectFrames(limits: FrameLimits, renderer: Renderer): FrameCollector {
  const held = new Map<number, HeldFrame>();
  const seen = { alpha: false, turned: false };
  let shown: Set<number> | undefined;
  let size: FrameSize | undefined;
  let count = 0;

  const drop = (index: number) => {
    if (shown && !shown.has(index)) held.delete(index);
  };

  function add(bytes: Buffer, kind: 'file' | 'rgb', frameSize: FrameSize, place: ProblemPlace) {
    if (count >= limits.MAX_FRAMES) throw tooManyFrames(limits.MAX_FRAMES, place);
    size ??= { width: frameSize.width, height: frameSize.height };
    if (size.width !== frameSize.width || size.height !== frameSize.height) throw sizesDiffer(size, frameSize, place);
    held.set(count, { bytes, kind, place });
    // The schedule clips its last position to the last frame, so the newest one is always kept.
    drop(count - 1);
    count += 1;
  }

  return {
    showOnly(clock) {
      shown = new Set(sampleSchedule('fps' in clock ? limits.MAX_FRAMES : clock.timestampsS.length, clock));
      for (const index of held.keys()) if (index < count - 1) drop(index);
    },
    async addImage(bytes, place) {
      const header = await readImageHeader(bytes, limits.MAX_FRAME_PIXELS, place);
      seen.alpha ||= header.hasAlpha;
      seen.turned ||= header.turned;
      add(bytes, 'file', header, place);
    },
    addPixels: (bytes, frameSize, place) => add(bytes, 'rgb', frameSize, place),
    finish() {
      if (!size) throw new ProblemError('no-frames', 'Send the frames as parts `frames`, or one part `npy`.');
      return {
        count,
        size,
        warnings: warningsOf(seen),
        render: renderFrom(held, size, renderer),
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

interface HeldFrame {
  bytes: Buffer;
  kind: 'file' | 'rgb';
  place: ProblemPlace;
}

function renderFrom(held: Map<number, HeldFrame>, from: FrameSize, renderer: Renderer): Frames['render'] {
  async function renderOne(index: number, to: FrameSize, encoding: FrameEncoding): Promise<RenderedFrame> {
    const frame = held.get(index);
    if (!frame) throw new Error(`Frame ${index} was let go.`);
    held.delete(index);
    const { bytes, kind, place } = frame;
    try {
      return await renderer.render({ bytes, kind, from, to, encoding });
    } catch (error) {
      throw new ProblemError('image-damaged', 'The frame is truncated or damaged and cannot be decoded.', place, error);
    }
  }

  return async (indices, to, encoding, signal) => {
    const turn = await renderer.turns.enter(0, signal);
    const rendered: RenderedFrame[] = [];
    // One damaged frame ends the episode: the others need not be rendered any more.
    const stop = new AbortController();
    const going = AbortSignal.any([signal, stop.signal]);
    const pending = indices.entries();
    const work = async () => {
      for (const [place, index] of pending) {
        going.throwIfAborted();
        rendered[place] = await renderOne(index, to, encoding);
      }
    };
    try {
      await Promise.all(Array.from({ length: renderer.parallel }, work));
    } finally {
      stop.abort();
      turn.release();
    }
    const frames = new Map(indices.map((index, place) => [index, rendered[place] as RenderedFrame]));
    return { frames, waitedMs: turn.waitedMs };
  };
}

function sizesDiffer(first: FrameSize, other: FrameSize, place: ProblemPlace): ProblemError {
  const detail = `This frame is ${other.width}×${other.height}, the first one ${first.width}×${first.height}. An episode has one size.`;
  return new ProblemError('frame-sizes-differ', detail, place);
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
