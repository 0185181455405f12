import type { BatchEvent } from '../schemas/batch.ts';
import type { Problem } from '../schemas/problem.ts';
import type { RewardResult } from '../schemas/reward.ts';
import { ProblemError } from './problems.ts';
import type { BatchEntry } from './upload/batch.ts';
import type { Upload } from './upload/upload.ts';

/** Episodes of one batch that are worked on at once. */
const AT_ONCE = 16;

export interface BatchContext {
  score(upload: Upload): Promise<RewardResult>;
  /** the problem document of whatever was thrown */
  problemOf(error: unknown): Problem;
  signal: AbortSignal;
}

/**
 * Scores the episodes of a batch, some at a time: each is told of as soon as it is done, then the end. Out of time, those that
 * are not done are told of as problems; when the client is gone, nothing more is.
 */
export async function* scoreBatch(
  entries: BatchEntry[],
  { score, problemOf, signal }: BatchContext,
): AsyncGenerator<BatchEvent> {
  const counts = { scored: 0, failed: 0 };
  const total = entries.length;

  async function work(entry: BatchEntry, index: number): Promise<BatchEvent | undefined> {
    const place = { index, ...(entry.id !== undefined && { id: entry.id }) };
    try {
      signal.throwIfAborted();
      if ('problem' in entry) throw entry.problem;
      const result = await score(entry.upload);
      counts.scored += 1;
      return { event: 'result', ...place, result };
    } catch (thrown) {
      const error = signal.aborted ? signal.reason : thrown;
      // The client is gone: there is nobody to tell.
      if (signal.aborted && !(error instanceof ProblemError)) return undefined;
      counts.failed += 1;
      return { event: 'problem', ...place, problem: problemOf(error) };
    }
  }

  const running = new Set<Promise<BatchEvent | undefined>>();
  async function* next(): AsyncGenerator<BatchEvent> {
    const [done, event] = await Promise.race(
      [...running].map((promise) => promise.then((value) => [promise, value] as const)),
    );
    running.delete(done);
    if (event) yield event;
  }

  // Taken off the list as they start, so that a scored episode's frames are not held until the last one is done.
  for (let index = 0; entries.length > 0; index += 1) {
    running.add(work(entries.shift() as BatchEntry, index));
    if (running.size >= AT_ONCE) yield* next();
  }
  while (running.size > 0) yield* next();
  if (counts.scored + counts.failed === total) yield { event: 'end', ...counts };
}
