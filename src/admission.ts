import { ProblemError } from './problems.ts';

/** A place, and the memory that goes with it. */
export interface Ticket {
  waitedMs: number;
  release(): void;
}

/** Decides how many are let in at once, and with how much memory: uploads before a byte is read, frames before rendering. */
export interface Admission {
  /**
   * Waits, in order of arrival, for a place and for memory.
   * @param bytes memory the request may need, at most the whole budget
   * @throws ProblemError server-busy when too many wait already; the signal's reason when it aborts
   */
  enter(bytes: number, signal: AbortSignal): Promise<Ticket>;
  /** bytes of the whole budget */
  capacity: number;
  state(): { active: number; waiting: number; bytes: number };
}

interface Waiter {
  bytes: number;
  start(): void;
}

const RETRY_AFTER_S = 2;

/**
 * @param places how many may be in at once
 * @param bytes what all that are in may need together
 * @param waiting how many may wait
 */
export function createAdmission(limits: { places: number; bytes: number; waiting: number }): Admission {
  const waiters: Waiter[] = [];
  let active = 0;
  let held = 0;

  const fits = (bytes: number) => active < limits.places && held + bytes <= limits.bytes;

  function startNext() {
    // Strictly in order: a large upload is not overtaken for ever by small ones.
    for (let next = waiters[0]; next && fits(next.bytes); next = waiters[0]) {
      waiters.shift();
      next.start();
    }
  }

  function ticket(bytes: number, since: number): Ticket {
    active += 1;
    held += bytes;
    let open = true;
    return {
      waitedMs: performance.now() - since,
      release() {
        if (!open) return;
        open = false;
        active -= 1;
        held -= bytes;
        startNext();
      },
    };
  }

  return {
    async enter(wanted, signal) {
      signal.throwIfAborted();
      const since = performance.now();
      const bytes = Math.min(wanted, limits.bytes);
      if (waiters.length === 0 && fits(bytes)) return ticket(bytes, since);
      if (waiters.length >= limits.waiting) throw busy(limits.waiting);
      return new Promise<Ticket>((resolve, reject) => {
        const leave = () => {
          waiters.splice(waiters.indexOf(waiter), 1);
          reject(signal.reason);
          startNext();
        };
        const waiter: Waiter = {
          bytes,
          start() {
            signal.removeEventListener('abort', leave);
            resolve(ticket(bytes, since));
          },
        };
        signal.addEventListener('abort', leave, { once: true });
        waiters.push(waiter);
      });
    },
    capacity: limits.bytes,
    state: () => ({ active, waiting: waiters.length, bytes: held }),
  };
}

function busy(limit: number): ProblemError {
  return new ProblemError('server-busy', `${limit} requests are waiting already. Try again in a moment.`, {
    limit,
    retry_after_s: RETRY_AFTER_S,
  });
}
