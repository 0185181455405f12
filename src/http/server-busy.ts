import { LimitReached } from '../limits/fair-queue.ts';
import { ProblemError } from '../problems/problems.ts';
import { RETRY_AFTER_S } from '../problems/retry-after.ts';

/** Converts an error of the queue of uploads to a problem. Other errors stay as they are. @throws ProblemError server-busy */
export function throwBusy(error: unknown): never {
  if (!(error instanceof LimitReached)) throw error;
  if (error.resource === 'waiting') {
    const detail = `The queue is full: ${error.limit} requests are waiting already. Try again in ${RETRY_AFTER_S.place} s.`;
    throw new ProblemError('server-busy', detail, { limit: error.limit, retry_after_s: RETRY_AFTER_S.place });
  }
  const detail = `There is no memory left for the rest of this upload. Try again in ${RETRY_AFTER_S.place} s. If you send \`Content-Length\`, the upload waits for memory instead of failing.`;
  throw new ProblemError('server-busy', detail, { retry_after_s: RETRY_AFTER_S.place });
}
