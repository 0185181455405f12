import { ProblemError } from './problems.ts';

/** The admission of one request, and the memory that is reserved for it. */
export interface Ticket {
  /** time that the request waited to be admitted, ms */
  waitedMs: number;
  /**
   * Reserves more memory immediately or fails. It never waits: requests that hold memory while they wait could block each
   * other forever.
   * @throws ProblemError server-busy
   */
  grow(bytes: number): void;
  /** Releases all memory except this many bytes. */
  keep(bytes: number): void;
  /** Releases the memory and ends the admission. A second call does nothing. */
  release(): void;
}

/** Limits how many requests run at once and how much memory they use: uploads before a byte is read, frames before rendering. */
export interface Admission {
  /**
   * Waits until the request is admitted and its memory is reserved. Tenants take turns. The requests of one tenant are
   * admitted in order of arrival.
   * @param bytes memory that the request may need; more than the capacity counts as the capacity
   * @param tenant owner of the request, if it is known
   * @throws ProblemError server-busy if too many requests wait already; the signal's reason if it aborts
   */
  enter(bytes: number, signal: AbortSignal, tenant?: string): Promise<Ticket>;
  /** memory for all requests together, bytes */
  capacity: number;
  /** Numbers of admitted and waiting requests, and the reserved memory in bytes. */
  state(): { active: number; waiting: number; bytes: number };
}

/** Limits of an admission. */
export interface AdmissionLimits {
  /** requests that may be admitted at once */
  places: number;
  /** memory of all admitted requests together, bytes */
  bytes: number;
  /** requests that may wait */
  waiting: number;
  /** Part of `places` and `bytes` that one tenant may hold, 0…1. A single request of a tenant may exceed it. */
  share?: number;
}

interface Waiter {
  bytes: number;
  start(): void;
  refuse(reason: unknown): void;
}

const RETRY_AFTER_S = 2;

/** Creates an admission. By default one tenant may hold the full capacity. */
export function createAdmission({
  places,
  bytes: capacity,
  waiting: mostWaiting,
  share = 1,
}: AdmissionLimits): Admission {
  // A Map keeps the order of insertion: the first key is the tenant whose turn it is.
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

  /** The request to admit next. Turns are strict, so that small uploads cannot overtake a large one forever. */
  function next(): [tenant: string, waiter: Waiter] | undefined {
    for (const [tenant, [first]] of turns as Map<string, [Waiter]>) {
      // This tenant waits for its own requests. It must not block the others.
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

  /** Refuses one request of a full queue: the last one of the tenant that has most of them, or the new one on a tie. */
  function shorten(newcomer: Waiter, tenant: string) {
    const [most] = [...turns.values()].sort((a, b) => b.length - a.length) as [Waiter[]];
    const own = turns.get(tenant) as Waiter[];
    const last = most.length > own.length ? (most.at(-1) as Waiter) : newcomer;
    const detail = `The queue is full: ${mostWaiting} requests are waiting already. Try again in ${RETRY_AFTER_S} s.`;
    last.refuse(busy(detail, { limit: mostWaiting }));
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
        // The client has disconnected, but the bytes that have arrived are still being read.
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

const NO_MORE = `There is no memory left for the rest of this upload. Try again in ${RETRY_AFTER_S} s. If you send \`Content-Length\`, the upload waits for memory instead of failing.`;

function busy(detail: string, place: { limit?: number } = {}): ProblemError {
  return new ProblemError('server-busy', detail, { ...place, retry_after_s: RETRY_AFTER_S });
}
