import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError } from '../problems.ts';
import type { Frames, ShownFrame } from './frames.ts';
import type { Renderer, RenderFrame } from './renderer.ts';
import type { Shelf } from './shelf.ts';

/** Makes the `render` of Frames for uploaded frames. @param from size of the uploaded frames */
export function renderFrom(shelf: Shelf, from: FrameSize, renderer: Renderer, tenant: string): Frames['render'] {
  async function renderOne(index: number, render: RenderFrame, signal: AbortSignal): Promise<ShownFrame> {
    const frame = shelf.take(index);
    if (!frame) return { bytes: null, digest: digestOf(shelf, index) };
    try {
      return await render({ ...frame, digest: shelf.digest(index), shared: shelf.shared });
    } catch (error) {
      signal.throwIfAborted();
      const detail = 'The frame cannot be decoded: it is truncated or damaged, or decoding takes too long.';
      throw new ProblemError('image-damaged', detail, frame.place, error);
    }
  }

  return async (indices, to, encoding, signal) => {
    const place = shelf.peek(indices[0] as number)?.place ?? {};
    // One damaged frame fails the episode, so the others are no longer needed.
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
    // The turn ends when no frame is in progress.
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

/** Measures the time from now until it is stopped, in ms. */
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

/** Returns the digest of a frame. @throws Error for a frame that has none */
export function digestOf(shelf: Shelf, index: number): string {
  const digest = shelf.digest(index);
  if (digest === undefined) throw new Error(`Frame ${index} is no longer in memory.`);
  return digest;
}
