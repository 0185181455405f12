import { Piscina } from 'piscina';
import type { RenderedFrame, RenderTask } from './render-worker.ts';

/** Renders frames on worker threads, so that the event loop stays free. */
export interface Renderer {
  /** Tasks beyond the threads wait in order; callers keep their own number in flight small. */
  render(task: RenderTask): Promise<RenderedFrame>;
  threads: number;
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
    threads,
    close: () => pool.close({ force: true }),
  };
}
