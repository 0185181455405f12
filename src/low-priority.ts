import { setPriority } from 'node:os';
import { isMainThread } from 'node:worker_threads';

/** A third of the time that a thread of normal priority gets, where both want it all. */
const NICENESS = 5;

/**
 * Lets the thread that calls it, and those that it starts later, work behind the event loop: with all cores busy the service
 * still answers at once. Only Linux sets a priority for a thread; elsewhere it would be the whole process's.
 */
export function lowerThreadPriority(): void {
  if (isMainThread || process.platform !== 'linux') return;
  try {
    setPriority(NICENESS);
  } catch {
    // Some containers do not allow it. The work is the same.
  }
}
