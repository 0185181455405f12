import type { FairQueue } from '../../limits/fair-queue.ts';
import type { VllmClient } from './client.ts';
import { untilReached } from './repeats.ts';

/** Requests to the tokenizer that are sent at once. They have connections of their own, so that no query waits for them. */
export const TOKENIZER_REQUESTS = 4;

/** Sends POST requests. */
export type Poster = Pick<VllmClient, 'post'>;

/** A poster whose requests wait in a queue, where tenants take turns, and are repeated after broken connections. */
export function inTurn({ post }: Poster, queue: FairQueue, tenant: string): Poster {
  return {
    async post(path, body, kind, signal, headers) {
      const ask = async () => {
        const { release } = await queue.enter({ tenant }, signal);
        try {
          return await post(path, body, kind, signal, headers);
        } finally {
          release();
        }
      };
      return untilReached(ask, signal);
    },
  };
}
