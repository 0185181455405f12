import { LimitReached } from '../limits/fair-queue.ts';
import { ProblemError } from '../problems/problems.ts';

const RETRY_AFTER_S = 2;

/** Converts an error of the queue of uploads to a problem. Other errors stay as they are. @throws ProblemError server-busy */
export function throwBusy(error: unknown): never {
  if (!(error instanceof LimitReached)) throw error;
  if (error.resource === 'waiting') {
    const detail = `The queue is full: ${error.limit} requests are waiting already. Try again in ${RETRY_AFTER_S} s.`;
    throw new ProblemError('server-busy', detail, { limit: error.limit, retry_after_s: RETRY_AFTER_S });
  }
  const detail = `There is no memory left for the rest of this upload. Try again in ${RETRY_AFTER_S} s. If you send \`Content-Length\`, the upload waits for memory instead of failing.`;
  throw new ProblemError('server-busy', detail, { retry_after_s: RETRY_AFTER_S });
}
