import { setPriority } from 'node:os';
import { isMainThread } from 'node:worker_threads';

/** With this niceness a thread gets a third of the time of a thread of normal priority when both compete for a core. */
const NICENESS = 5;

/**
 * Lowers the priority of the calling worker thread and of threads that it starts later, so that the event loop still
 * responds at once when all cores are busy. Linux only: elsewhere the priority would apply to the complete process.
 */
export function lowerThreadPriority(): void {
  if (isMainThread || process.platform !== 'linux') return;
  try {
    setPriority(NICENESS);
  } catch {
    // Some containers do not allow it. The thread then keeps its priority.
  }
}
