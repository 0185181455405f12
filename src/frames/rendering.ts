import type { FrameSize } from '../../schemas/reward.ts';
import { ProblemError } from '../problems/problems.ts';
import type { FrameStore } from './frame-store.ts';
import type { EngineFrame, RenderFrames } from './rendered.ts';
import type { Renderer, RenderFrame } from './renderer.ts';

/** Makes the `render` of Frames for uploaded frames. @param from size of the uploaded frames */
export function renderFrom(store: FrameStore, from: FrameSize, renderer: Renderer, tenant: string): RenderFrames {
  async function renderOne(index: number, render: RenderFrame, signal: AbortSignal): Promise<EngineFrame> {
    const frame = store.take(index);
    if (!frame) return { bytes: null, digest: digestOf(store, index) };
    try {
      return await render({ ...frame, digest: store.digest(index), shared: store.shared });
    } catch (error) {
      signal.throwIfAborted();
      const detail = 'The frame cannot be decoded: it is truncated or damaged, or decoding takes too long.';
      throw new ProblemError('image-damaged', detail, frame.place, error);
    }
  }

  return async ({ frames: indices, size: to, resampling }, encoding, signal) => {
    const [first] = indices;
    const place = first === undefined ? {} : (store.peek(first)?.place ?? {});
    // One damaged frame fails the episode, so the others are no longer needed.
    const stop = new AbortController();
    const going = AbortSignal.any([signal, stop.signal]);
    const render = renderer.begin({ from, to, resampling, encoding, place }, going);
    const turn = await renderer.turns(indices.length).enter({ tenant }, signal);
    const took = stopwatch();
    const failure = new AbortController();
    const rendered = indices.map((index) => ({ index, ...Promise.withResolvers<EngineFrame>() }));
    const pending = rendered.values();
    const work = async () => {
      for (const { index, resolve } of pending) {
        going.throwIfAborted();
        resolve(await renderOne(index, render, going));
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
    async function* each(): AsyncGenerator<[number, EngineFrame]> {
      try {
        for (const { index, promise } of rendered) yield [index, await promise];
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
export function digestOf(store: FrameStore, index: number): string {
  const digest = store.digest(index);
  if (digest === undefined) throw new Error(`Frame ${index} is no longer in memory.`);
  return digest;
}
