import type { BatchEvent } from '../../schemas/batch.ts';
import type { Problem } from '../../schemas/problem.ts';
import type { EpisodeResult } from '../../schemas/result.ts';
import { gvlCounter } from '../methods/gvl/means.ts';
import { ProblemError } from '../problems/problems.ts';
import { inOrderOfSettling } from '../process/settled.ts';
import type { BatchEntry } from '../upload/batch.ts';
import type { Upload } from '../upload/upload.ts';

/** Episodes of one batch that are scored at the same time. */
const AT_ONCE = 16;

/** What is needed to score a batch. */
interface BatchContext {
  /** Scores one episode. @throws ProblemError */
  score(upload: Upload): Promise<EpisodeResult>;
  /** Returns the problem document of an error. */
  problemOf(error: unknown): Problem;
  /** aborts when the time limit has passed, with a ProblemError, or when the client disconnects */
  signal: AbortSignal;
}

/**
 * Scores the episodes of a batch, several at a time. It yields an event for each episode as soon as it is done, then the end.
 * After the time limit, each unfinished episode is a problem. After the client has disconnected, nothing more is yielded.
 * @param entries emptied while the episodes are scored
 */
export async function* scoreBatch(
  entries: BatchEntry[],
  { score, problemOf, signal }: BatchContext,
): AsyncGenerator<BatchEvent> {
  const counts = { scored: 0, failed: 0 };
  const gvl = gvlCounter();
  const total = entries.length;

  // Each entry leaves the list when it starts, so that its frames are released as soon as it is scored.
  async function work(index: number): Promise<BatchEvent | undefined> {
    const entry = entries.shift();
    if (!entry) return undefined;
    const place = { index, ...(entry.id !== undefined && { id: entry.id }) };
    try {
      signal.throwIfAborted();
      if ('problem' in entry) throw entry.problem;
      const result = await score(entry.upload);
      counts.scored += 1;
      if (result.method === 'gvl') gvl.add(result);
      return { event: 'result', ...place, result };
    } catch (thrown) {
      const error = signal.aborted ? signal.reason : thrown;
      // The client has disconnected: nobody would receive the event.
      if (signal.aborted && !(error instanceof ProblemError)) return undefined;
      counts.failed += 1;
      return { event: 'problem', ...place, problem: problemOf(error) };
    }
  }

  function* starts() {
    for (let index = 0; index < total; index += 1) yield work(index);
  }
  for await (const event of inOrderOfSettling(starts(), AT_ONCE)) if (event) yield event;
  if (counts.scored + counts.failed === total) yield { event: 'end', ...counts, gvl: gvl.means() };
}
