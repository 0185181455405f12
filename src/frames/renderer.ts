import { Piscina } from 'piscina';
import { type Admission, createAdmission } from '../admission.ts';
import type { RenderedFrame, RenderTask } from './render-worker.ts';

/** Renders frames on worker threads, so that the event loop stays free. */
export interface Renderer {
  /** Tasks beyond the threads wait in order; callers keep their own number in flight small. */
  render(task: RenderTask): Promise<RenderedFrame>;
  /** Tasks of one episode that are worth having in flight. */
  parallel: number;
  /** Tenants take turns, and their episodes render in order, a few at a time: all at once, every one would be done only at the end. */
  turns: Admission;
  close(): Promise<void>;
}

/** @param threads worker threads, kept for the life of the renderer */
export function createRenderer(threads: number): Renderer {
  const pool = new Piscina({
    filename: new URL('./render-worker.ts', import.meta.url).href,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: 60_000,
    // A thread awaits sharp while it encodes; a second task fills that time.
    concurrentTasksPerWorker: 2,
  });
  return {
    render: (task) => pool.run(task) as Promise<RenderedFrame>,
    parallel: 2 * threads,
    turns: createAdmission({
      places: Math.max(2, threads),
      bytes: Number.POSITIVE_INFINITY,
      waiting: Number.POSITIVE_INFINITY,
    }),
    close: () => pool.close({ force: true }),
  };
}
