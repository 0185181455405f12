import { createAbortWatch } from './abort-watch.ts';
import { createTurns, type Owner } from './turns.ts';

/** The place and the memory of one request that has been admitted. */
export interface Reservation {
  /** time that the request waited, ms */
  waitedMs: number;
  /**
   * Reserves more memory immediately or fails. It never waits: requests that hold memory while they wait could block each
   * other forever. After `release` it does nothing.
   * @throws LimitReached of `bytes`
   */
  grow(bytes: number): void;
  /** Releases the memory above this many bytes. */
  shrinkTo(bytes: number): void;
  /** Releases the place and the memory. A second call does nothing. */
  release(): void;
}

/** Limits how many requests are active at once and how much memory they use. The others wait, and start in turn. */
export interface FairQueue {
  /**
   * Waits until the request has a place and its memory is reserved. Tenants take turns, and the episodes of a tenant take
   * turns. The requests of an episode start in order of arrival.
   * @param bytes memory that the request may need; more than the capacity counts as the capacity; 0 by default
   * @throws LimitReached of `waiting`; the signal's reason if it aborts first
   */
  enter(owner: Owner, signal: AbortSignal, bytes?: number): Promise<Reservation>;
  /** memory of all requests together, bytes */
  capacity: number;
  state(): QueueState;
}

/** Queues of one part of the service, by the name that the metrics have. */
export type Queues = Readonly<Record<string, FairQueue>>;

/** How full a queue is. */
interface QueueState {
  /** requests that have a place */
  active: number;
  /** requests that wait for one */
  waiting: number;
  /** reserved memory */
  bytes: number;
}

/** The limits of a queue. None of them is set by default. */
export interface QueueLimits {
  /** requests that may be active at once */
  places?: number;
  /** memory of all active requests together, bytes */
  bytes?: number;
  /** requests that may wait */
  waiting?: number;
  /** Part of `places` and `bytes` that one tenant may hold, 0…1. A single request of a tenant may exceed it. */
  share?: number;
  /** How many turns a tenant takes before the next tenant: a whole number, 1 by default. */
  weight?: (tenant: string) => number;
}

/** A limit is reached, so that a request cannot even wait, or cannot have more memory. */
export class LimitReached extends Error {
  readonly resource: 'waiting' | 'bytes';
  readonly limit: number;

  constructor(resource: 'waiting' | 'bytes', limit: number) {
    super(`The limit of ${limit} ${resource} is reached.`);
    this.resource = resource;
    this.limit = limit;
  }
}

interface Account {
  active: number;
  bytes: number;
}

interface Waiter {
  tenant: string;
  episode: symbol | undefined;
  bytes: number;
  signal: AbortSignal;
  since: number;
  resolve(reservation: Reservation): void;
  reject(reason: unknown): void;
}

/** Creates a queue without limits, except for those that are given. */
export function createFairQueue({
  places = Number.POSITIVE_INFINITY,
  bytes: capacity = Number.POSITIVE_INFINITY,
  waiting: mostWaiting = Number.POSITIVE_INFINITY,
  share = 1,
  weight = () => 1,
}: QueueLimits): FairQueue {
  const turns = createTurns<Waiter>(weight);
  const aborts = createAbortWatch<Waiter>((waiters, reason) => {
    for (const waiter of waiters) refuse(waiter, reason);
    startNext();
  });
  // What each tenant holds. Without a share nobody needs to know.
  const accounts = share < 1 ? new Map<string, Account>() : undefined;
  let active = 0;
  let held = 0;

  const fits = (bytes: number) => active < places && held + bytes <= capacity;

  function isWithinShare(tenant: string, bytes: number): boolean {
    const own = accounts?.get(tenant);
    return !own || (own.active + 1 <= share * places && own.bytes + bytes <= share * capacity);
  }

  /** The request to start next. Turns are strict, so that small requests cannot overtake a large one forever. */
  function next(): Waiter | undefined {
    if (active >= places) return undefined;
    // A tenant that holds its share waits for its own requests. It must not block the others.
    const waiter = turns.first(({ tenant, bytes }) => isWithinShare(tenant, bytes));
    return waiter && fits(waiter.bytes) ? waiter : undefined;
  }

  function startNext(): void {
    if (turns.count() === 0) return;
    for (let waiter = next(); waiter; waiter = next()) {
      turns.take(waiter);
      aborts.remove(waiter.signal, waiter);
      waiter.resolve(reserve(waiter.tenant, waiter.bytes, performance.now() - waiter.since));
    }
  }

  function reserve(tenant: string, wanted: number, waitedMs: number): Reservation {
    const own = accounts?.get(tenant) ?? { active: 0, bytes: 0 };
    if (own.active === 0) accounts?.set(tenant, own);
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
      waitedMs,
      grow(bytes) {
        // The client may have disconnected while the bytes that have arrived are still being read.
        if (!open) return;
        const more = Math.min(bytes, capacity - mine);
        const isShared = own.active === 1 || own.bytes + more <= share * capacity;
        if (held + more > capacity || !isShared) throw new LimitReached('bytes', capacity);
        take(more);
      },
      shrinkTo(bytes) {
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
        if (own.active === 0) accounts?.delete(tenant);
        startNext();
      },
    };
  }

  function refuse(waiter: Waiter, reason: unknown): void {
    turns.remove(waiter);
    aborts.remove(waiter.signal, waiter);
    waiter.reject(reason);
  }

  function wait(waiter: Waiter): void {
    turns.add(waiter);
    aborts.add(waiter.signal, waiter);
    startNext();
    if (turns.count() <= mostWaiting) return;
    refuse(turns.surplus(waiter), new LimitReached('waiting', mostWaiting));
    startNext();
  }

  return {
    async enter({ tenant = '', episode }, signal, wanted = 0) {
      signal.throwIfAborted();
      const bytes = Math.min(wanted, capacity);
      if (turns.count() === 0 && fits(bytes) && isWithinShare(tenant, bytes)) return reserve(tenant, bytes, 0);
      const since = performance.now();
      return new Promise((resolve, reject) => wait({ tenant, episode, bytes, signal, since, resolve, reject }));
    },
    capacity,
    state: () => ({ active, waiting: turns.count(), bytes: held }),
  };
}
