import { ProblemError } from './problems.ts';

/** A place, and the memory that goes with it. */
export interface Ticket {
  waitedMs: number;
  /** Takes more memory, at once or not at all: who waited with some in hand could wait for ever. @throws ProblemError server-busy */
  grow(bytes: number): void;
  /** Gives back all memory but so many bytes. */
  keep(bytes: number): void;
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

export interface AdmissionLimits {
  /** how many may be in at once */
  places: number;
  /** what all that are in may need together */
  bytes: number;
  /** how many may wait */
  waiting: number;
  /** The part of places and bytes that one tenant may hold with more than one request, 0…1. */
  share?: number;
}

interface Waiter {
  bytes: number;
  start(): void;
  refuse(reason: unknown): void;
}

const RETRY_AFTER_S = 2;

export function createAdmission({
  places,
  bytes: capacity,
  waiting: mostWaiting,
  share = 1,
}: AdmissionLimits): Admission {
  // A Map keeps its order: the first key is the tenant whose turn it is.
  const turns = new Map<string, Waiter[]>();
  const holding = new Map<string, { active: number; bytes: number }>();
  let active = 0;
  let held = 0;
  let waiting = 0;

  const fits = (bytes: number) => active < places && held + bytes <= capacity;

  function isWithinShare(tenant: string, bytes: number): boolean {
    const own = holding.get(tenant);
    return !own || (own.active + 1 <= share * places && own.bytes + bytes <= share * capacity);
  }

  /** Who can start now: strictly in turn, so that a large upload is not overtaken for ever by small ones. */
  function next(): [tenant: string, waiter: Waiter] | undefined {
    for (const [tenant, [first]] of turns as Map<string, [Waiter]>) {
      // This one waits for its own requests, and holds up nobody else.
      if (!isWithinShare(tenant, first.bytes)) continue;
      return fits(first.bytes) ? [tenant, first] : undefined;
    }
    return undefined;
  }

  function startNext() {
    for (let turn = next(); turn; turn = next()) {
      const [tenant, waiter] = turn;
      leave(tenant, waiter);
      const others = turns.get(tenant);
      turns.delete(tenant);
      if (others) turns.set(tenant, others);
      waiter.start();
    }
  }

  function leave(tenant: string, waiter: Waiter) {
    const queue = turns.get(tenant) as Waiter[];
    queue.splice(queue.indexOf(waiter), 1);
    if (queue.length === 0) turns.delete(tenant);
    waiting -= 1;
  }

  /** Of a queue that is too long the last of the tenant that has most of it is sent away, the newcomer among equals. */
  function shorten(newcomer: Waiter, tenant: string) {
    const [most] = [...turns.values()].sort((a, b) => b.length - a.length) as [Waiter[]];
    const own = turns.get(tenant) as Waiter[];
    const last = most.length > own.length ? (most.at(-1) as Waiter) : newcomer;
    last.refuse(busy(`${mostWaiting} requests are waiting already. Try again in a moment.`, { limit: mostWaiting }));
  }

  function ticket(tenant: string, wanted: number, since: number): Ticket {
    const own = holding.get(tenant) ?? { active: 0, bytes: 0 };
    holding.set(tenant, own);
    let mine = 0;
    const take = (bytes: number) => {
      mine += bytes;
      own.bytes += bytes;
      held += bytes;
    };
    active += 1;
    own.active += 1;
    take(wanted);
    let open = true;
    return {
      waitedMs: performance.now() - since,
      grow(bytes) {
        // The client is gone, and what has come of its upload is still being read.
        if (!open) return;
        const more = Math.min(bytes, capacity - mine);
        const isShared = own.active === 1 || own.bytes + more <= share * capacity;
        if (held + more > capacity || !isShared) throw busy(NO_MORE);
        take(more);
      },
      keep(bytes) {
        if (bytes >= mine) return;
        take(bytes - mine);
        startNext();
      },
      release() {
        if (!open) return;
        open = false;
        active -= 1;
        own.active -= 1;
        take(-mine);
        if (own.active === 0) holding.delete(tenant);
        startNext();
      },
    };
  }

  return {
    async enter(wanted, signal, tenant = '') {
      signal.throwIfAborted();
      const since = performance.now();
      const bytes = Math.min(wanted, capacity);
      return new Promise<Ticket>((resolve, reject) => {
        const giveUp = () => waiter.refuse(signal.reason);
        const waiter: Waiter = {
          bytes,
          start() {
            signal.removeEventListener('abort', giveUp);
            resolve(ticket(tenant, bytes, since));
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
        startNext();
        if (waiting > mostWaiting) shorten(waiter, tenant);
      });
    },
    capacity,
    state: () => ({ active, waiting, bytes: held }),
  };
}

const NO_MORE =
  'There is no memory for the rest of this upload now. Try again in a moment; with a Content-Length it would have waited unread.';

function busy(detail: string, place: { limit?: number } = {}): ProblemError {
  return new ProblemError('server-busy', detail, { ...place, retry_after_s: RETRY_AFTER_S });
}
