import { Piscina } from 'piscina';
import { type Admission, createAdmission } from '../admission.ts';
import type { FrameSize } from '../plan/frame-size.ts';
import type { ProblemPlace } from '../problems.ts';
import { ownsBuffer } from './let-go.ts';
import type { FrameEncoding, RenderedFrame, RenderTask } from './render-worker.ts';
import { checkResizing } from './size-limits.ts';
import { stopFlag } from './stop-flag.ts';

/** What becomes of the frames of one episode. */
export interface Rendering {
  /** the frames' own size */
  from: FrameSize;
  to: FrameSize;
  encoding: FrameEncoding;
  /** where the frames stand in the request, for problems */
  place: ProblemPlace;
}

/** A frame for the renderer. */
export interface Unrendered {
  bytes: Uint8Array;
  /** SHA-256 of them in hex, where it is known */
  digest?: string | undefined;
  kind: 'file' | 'rgb';
  /** Somebody else looks at the bytes too; otherwise they are gone when this is handed over. */
  shared: boolean;
}

/** Renders a frame. @throws Error when it is truncated or damaged; the signal's reason when it aborts */
export type RenderFrame = (frame: Unrendered) => Promise<RenderedFrame>;

/** Renders frames on worker threads, so that the event loop stays free. */
export interface Renderer {
  /**
   * Begins with an episode's frames.
   * @param signal when it aborts, frames that wait are never begun, and those under way end soon
   * @throws ProblemError image-too-large, before any work
   */
  begin(rendering: Rendering, signal: AbortSignal): RenderFrame;
  /** Frames of one episode that are worth having in flight. */
  parallel: number;
  /**
   * Where an episode of so many frames waits for its turn. Tenants take turns, and their episodes render in order, a few at a
   * time: all at once, every one would be done only at the end. A few frames, such as a step of a growing episode, do not wait
   * behind whole episodes.
   */
  turns(frames: number): Admission;
  close(): Promise<void>;
}

/** Frames that have a turn of their own. */
const FEW_FRAMES = 8;

/** A thread awaits sharp while it decodes and encodes; a second task fills that time. */
const TASKS_PER_THREAD = 2;

/**
 * @param threads worker threads, kept for the life of the renderer
 * @param maxPixels of a picture between the two passes of resizing
 */
export function createRenderer(threads: number, maxPixels: number): Renderer {
  const pool = new Piscina({
    filename: new URL('./render-worker.ts', import.meta.url).href,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: 60_000,
    concurrentTasksPerWorker: TASKS_PER_THREAD,
  });
  const parallel = TASKS_PER_THREAD * threads;
  // The pool's own queue is kept empty: what waits here can be taken back.
  const slots = createAdmission({ ...UNBOUNDED, places: parallel });
  const few = createAdmission({ ...UNBOUNDED, places: 2 });
  const many = createAdmission({ ...UNBOUNDED, places: Math.max(2, threads) });
  return {
    begin({ from, to, encoding, place }, signal) {
      checkResizing(from, to, maxPixels, place);
      const flag = stopFlag(signal);
      return async ({ bytes, digest, kind, shared }) => {
        const slot = await slots.enter(0, signal);
        try {
          const task: RenderTask = { bytes, digest, kind, from, to, encoding, stop: flag };
          const transferList = !shared && ownsBuffer(bytes) ? [bytes.buffer as ArrayBuffer] : [];
          return (await pool.run(task, { transferList })) as RenderedFrame;
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
    close: () => pool.close({ force: true }),
  };
}

const UNBOUNDED = { bytes: Number.POSITIVE_INFINITY, waiting: Number.POSITIVE_INFINITY };
