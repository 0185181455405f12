import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError } from '../problems.ts';
import type { Frames, ShownFrame } from './frames.ts';
import type { FrameEncoding } from './render-worker.ts';
import type { Renderer } from './renderer.ts';
import type { Shelf } from './shelf.ts';

/** Renders frames of a shelf, as Frames.render says. @param from their own size */
export function renderFrom(shelf: Shelf, from: FrameSize, renderer: Renderer, tenant: string): Frames['render'] {
  async function renderOne(index: number, to: FrameSize, encoding: FrameEncoding): Promise<ShownFrame> {
    const frame = shelf.take(index);
    if (!frame) return { bytes: null, digest: digestOf(shelf, index) };
    const { bytes, kind, place } = frame;
    try {
      return await renderer.render({ bytes, kind, from, to, encoding });
    } catch (error) {
      throw new ProblemError('image-damaged', 'The frame is truncated or damaged and cannot be decoded.', place, error);
    }
  }

  return async (indices, to, encoding, signal) => {
    const turn = await renderer.turns.enter(0, signal, tenant);
    const rendered: ShownFrame[] = [];
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
    const frames = new Map(indices.map((index, place) => [index, rendered[place] as ShownFrame]));
    return { frames, waitedMs: turn.waitedMs };
  };
}

/** @throws Error for a frame that neither is there nor has a name */
export function digestOf(shelf: Shelf, index: number): string {
  const digest = shelf.digest(index);
  if (digest === undefined) throw new Error(`Frame ${index} was let go.`);
  return digest;
}
