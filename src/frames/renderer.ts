import { Piscina } from 'piscina';
import type { FrameSize } from '../../schemas/reward.ts';
import { createFairQueue, type FairQueue, type Queues } from '../limits/fair-queue.ts';
import type { Resampling } from '../plan/plan.ts';
import type { ProblemPlace } from '../problems/problems.ts';
import { ownsBuffer } from '../process/free-bytes.ts';
import type { RenderedFrame, RenderTask } from './render-worker.ts';
import type { FrameForm } from './rendered.ts';
import { checkResizing } from './size-limits.ts';
import { stopFlag } from './stop-flag.ts';

/** How to render the frames of one episode. */
interface Rendering {
  /** size of the uploaded frames */
  from: FrameSize;
  to: FrameSize;
  resampling: Resampling;
  encoding: FrameForm;
  /** where the frames are in the request, for problems */
  place: ProblemPlace;
}

/** A frame for the renderer. */
export interface Unrendered {
  bytes: Uint8Array;
  /** SHA-256 of `bytes` in hex, if it is known */
  digest?: string | undefined;
  kind: 'file' | 'rgb';
  /**
   * true if the bytes have another user; otherwise the renderer transfers them, and the caller can no longer read them
   */
  shared: boolean;
}

/** Renders a frame. @throws Error if it is truncated or damaged; the signal's reason when it aborts */
export type RenderFrame = (frame: Unrendered) => Promise<RenderedFrame>;

/** Renders frames on worker threads, so that the event loop stays free. */
export interface Renderer {
  /**
   * Prepares to render the frames of an episode.
   * @param signal when it aborts, waiting frames are not started, and frames in progress end soon
   * @throws ProblemError image-too-large, before any work
   */
  begin(rendering: Rendering, signal: AbortSignal): RenderFrame;
  /** How many frames of one episode should be in flight at once. */
  parallel: number;
  /**
   * Selects the queue in which an episode of `frames` frames waits for its turn. Tenants take turns. Their episodes
   * render in order, a few at a time, because with all at once every episode would finish only at the end. A short list
   * of frames, such as a step of a growing episode, does not wait behind complete episodes.
   */
  turns(frames: number): FairQueue;
  queues: Queues;
  close(): Promise<void>;
}

/** Up to this many frames wait in the separate queue for short lists. */
const FEW_FRAMES = 8;

/** A thread waits for sharp to decode and encode. A second task uses that time. */
const TASKS_PER_THREAD = 2;

/**
 * Creates a renderer with a pool of worker threads.
 * @param threads most worker threads
 * @param maxPixels most pixels of the intermediate image between the two passes of resizing
 */
export function createRenderer(threads: number, maxPixels: number): Renderer {
  const pool = new Piscina<RenderTask, RenderedFrame>({
    filename: new URL('./render-worker.ts', import.meta.url).href,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: 60_000,
    concurrentTasksPerWorker: TASKS_PER_THREAD,
  });
  const parallel = TASKS_PER_THREAD * threads;
  // Tasks wait in this queue, not in the pool's own, because here they can be cancelled.
  const slots = createFairQueue({ places: parallel });
  const few = createFairQueue({ places: 2 });
  const many = createFairQueue({ places: Math.max(2, threads) });
  return {
    begin({ from, to, resampling, encoding, place }, signal) {
      checkResizing(from, to, maxPixels, place);
      const flag = stopFlag(signal);
      return async ({ bytes, digest, kind, shared }) => {
        const slot = await slots.enter({}, signal);
        try {
          const task: RenderTask = { bytes, digest, kind, from, to, resampling, encoding, stop: flag };
          const transferList = !shared && ownsBuffer(bytes) ? [bytes.buffer] : [];
          return await pool.run(task, { transferList });
        } catch (error) {
          signal.throwIfAborted();
          throw error;
        } finally {
          slot.release();
        }
      };
    },
    parallel,
    turns: (frames) => (frames <= FEW_FRAMES ? few : many),
    queues: { rendering: many, 'rendering-few': few, 'rendering-frames': slots },
    close: () => pool.close({ force: true }),
  };
}
