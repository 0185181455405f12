import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError } from '../problems.ts';
import type { Frames, ShownFrame } from './frames.ts';
import type { Renderer, RenderFrame } from './renderer.ts';
import type { Shelf } from './shelf.ts';

/** Renders frames of a shelf, as Frames.render says. @param from their own size */
export function renderFrom(shelf: Shelf, from: FrameSize, renderer: Renderer, tenant: string): Frames['render'] {
  async function renderOne(index: number, render: RenderFrame, signal: AbortSignal): Promise<ShownFrame> {
    const frame = shelf.take(index);
    if (!frame) return { bytes: null, digest: digestOf(shelf, index) };
    try {
      return await render({ ...frame, digest: shelf.digest(index), shared: shelf.shared });
    } catch (error) {
      signal.throwIfAborted();
      const detail = 'The frame cannot be decoded: it is truncated or damaged, or takes far too long.';
      throw new ProblemError('image-damaged', detail, frame.place, error);
    }
  }

  return async (indices, to, encoding, signal) => {
    const place = shelf.peek(indices[0] as number)?.place ?? {};
    // One damaged frame ends the episode: the others need not be rendered any more.
    const stop = new AbortController();
    const going = AbortSignal.any([signal, stop.signal]);
    const render = renderer.begin({ from, to, encoding, place }, going);
    const turn = await renderer.turns(indices.length).enter(0, signal, tenant);
    const took = stopwatch();
    const failure = new AbortController();
    const rendered = indices.map(() => Promise.withResolvers<ShownFrame>());
    const pending = indices.entries();
    const work = async () => {
      for (const [at, index] of pending) {
        going.throwIfAborted();
        rendered[at]?.resolve(await renderOne(index, render, going));
      }
    };
    const workers = Array.from({ length: renderer.parallel }, work);
    Promise.all(workers).catch((error) => {
      stop.abort();
      failure.abort(error);
      for (const { promise, reject } of rendered) {
        promise.catch(() => {});
        reject(error);
      }
    });
    // The turn is over when nothing of it is under way any more.
    const over = Promise.allSettled(workers).then(() => {
      took.stop();
      turn.release();
    });
    async function* each(): AsyncGenerator<[number, ShownFrame]> {
      try {
        for (const [at, index] of indices.entries())
          yield [index, await (rendered[at]?.promise as Promise<ShownFrame>)];
      } finally {
        stop.abort();
        await over;
      }
    }
    return { waitedMs: turn.waitedMs, tookMs: took.read, failed: failure.signal, each };
  };
}

/** Counts from now until it is stopped, in ms. */
export function stopwatch(): { read(): number; stop(): void } {
  const started = performance.now();
  let stopped: number | undefined;
  return {
    read: () => (stopped ?? performance.now()) - started,
    stop() {
      stopped ??= performance.now();
    },
  };
}

/** @throws Error for a frame that neither is there nor has a name */
export function digestOf(shelf: Shelf, index: number): string {
  const digest = shelf.digest(index);
  if (digest === undefined) throw new Error(`Frame ${index} was let go.`);
  return digest;
}
