import { ProblemError } from './problems.ts';

/** A place, and the memory that goes with it. */
export interface Ticket {
  waitedMs: number;
  release(): void;
}

/** Decides how many are let in at once, and with how much memory: uploads before a byte is read, frames before rendering. */
export interface Admission {
  /**
   * Waits for a place and for memory. Tenants take turns, and each one's requests go in order of arrival.
   * @param bytes memory the request may need, at most the whole budget
   * @param tenant whose request it is, where that is known
   * @throws ProblemError server-busy when too many wait already; the signal's reason when it aborts
   */
  enter(bytes: number, signal: AbortSignal, tenant?: string): Promise<Ticket>;
  /** bytes of the whole budget */
  capacity: number;
  state(): { active: number; waiting: number; bytes: number };
}

interface Waiter {
  bytes: number;
  start(): void;
  refuse(reason: unknown): void;
}

const RETRY_AFTER_S = 2;

/**
 * @param places how many may be in at once
 * @param bytes what all that are in may need together
 * @param waiting how many may wait
 */
export function createAdmission(limits: { places: number; bytes: number; waiting: number }): Admission {
  // A Map keeps its order: the first key is the tenant whose turn it is.
  const turns = new Map<string, Waiter[]>();
  let active = 0;
  let held = 0;
  let waiting = 0;

  const fits = (bytes: number) => active < limits.places && held + bytes <= limits.bytes;

  function startNext() {
    // Strictly in turn: a large upload is not overtaken for ever by small ones.
    for (;;) {
      const [turn] = turns;
      if (!turn) return;
      const [tenant, queue] = turn;
      const next = queue[0] as Waiter;
      if (!fits(next.bytes)) return;
      leave(tenant, next);
      turns.delete(tenant);
      if (queue.length > 0) turns.set(tenant, queue);
      next.start();
    }
  }

  function leave(tenant: string, waiter: Waiter) {
    const queue = turns.get(tenant) as Waiter[];
    queue.splice(queue.indexOf(waiter), 1);
    if (queue.length === 0) turns.delete(tenant);
    waiting -= 1;
  }

  /** In a full queue the last of the tenant that has most of it gives way to one that would still have less. */
  function makeRoom(tenant: string) {
    const [most] = [...turns.values()].sort((a, b) => b.length - a.length);
    const own = turns.get(tenant)?.length ?? 0;
    if (!most || most.length <= own + 1) throw busy(limits.waiting);
    most.at(-1)?.refuse(busy(limits.waiting));
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
    async enter(wanted, signal, tenant = '') {
      signal.throwIfAborted();
      const since = performance.now();
      const bytes = Math.min(wanted, limits.bytes);
      if (waiting === 0 && fits(bytes)) return ticket(bytes, since);
      if (waiting >= limits.waiting) makeRoom(tenant);
      return new Promise<Ticket>((resolve, reject) => {
        const giveUp = () => waiter.refuse(signal.reason);
        const waiter: Waiter = {
          bytes,
          start() {
            signal.removeEventListener('abort', giveUp);
            resolve(ticket(bytes, since));
          },
          refuse(reason) {
            signal.removeEventListener('abort', giveUp);
            leave(tenant, waiter);
            reject(reason);
            startNext();
          },
        };
        signal.addEventListener('abort', giveUp, { once: true });
        const queue = turns.get(tenant);
        if (queue) queue.push(waiter);
        else turns.set(tenant, [waiter]);
        waiting += 1;
      });
    },
    capacity: limits.bytes,
    state: () => ({ active, waiting, bytes: held }),
  };
}

function busy(limit: number): ProblemError {
  return new ProblemError('server-busy', `${limit} requests are waiting already. Try again in a moment.`, {
    limit,
    retry_after_s: RETRY_AFTER_S,
  });
}
