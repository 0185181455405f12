/** The owner of a request that waits. Tenants take turns, and within a tenant its episodes take turns. */
export interface Owner {
  tenant: string;
  episode: symbol;
}

/** Limits how many requests are in flight. Waiting requests start in turn. */
export interface FairGate {
  /**
   * Waits until the request may start. A tenant with many episodes does not delay another tenant, and a long episode
   * does not delay a short one.
   * @returns a function that ends the request and starts the next one
   * @throws the signal's reason if it aborts first
   */
  enter(owner: Owner, signal: AbortSignal): Promise<() => void>;
  state(): { inFlight: number; waiting: number };
}

type Queue = (() => void)[];

/** @param places how many requests may be in flight at once */
export function createFairGate(places: number): FairGate {
  // A Map keeps the order of insertion: the first key is the tenant whose turn it is, and its first episode is next.
  const tenants = new Map<string, Map<symbol, Queue>>();
  let inFlight = 0;

  function startNext() {
    const [tenantsTurn] = tenants;
    if (!tenantsTurn || inFlight >= places) return;
    const [tenant, episodes] = tenantsTurn;
    const [episode, queue] = episodes.entries().next().value as [symbol, Queue];
    const start = queue.shift();
    tenants.delete(tenant);
    episodes.delete(episode);
    if (queue.length > 0) episodes.set(episode, queue);
    if (episodes.size > 0) tenants.set(tenant, episodes);
    start?.();
  }

  function wait({ tenant, episode }: Owner, start: () => void) {
    const episodes = tenants.get(tenant) ?? new Map<symbol, Queue>();
    tenants.set(tenant, episodes);
    const queue = episodes.get(episode);
    if (queue) queue.push(start);
    else episodes.set(episode, [start]);
  }

  function leave({ tenant, episode }: Owner, start: () => void) {
    const episodes = tenants.get(tenant);
    const others = episodes?.get(episode)?.filter((each) => each !== start) ?? [];
    if (others.length > 0) episodes?.set(episode, others);
    else episodes?.delete(episode);
    if (episodes?.size === 0) tenants.delete(tenant);
  }

  function place(): () => void {
    inFlight += 1;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      inFlight -= 1;
      startNext();
    };
  }

  return {
    async enter(owner, signal) {
      signal.throwIfAborted();
      if (inFlight < places && tenants.size === 0) return place();
      return new Promise((resolve, reject) => {
        const giveUp = () => {
          leave(owner, start);
          reject(signal.reason);
        };
        const start = () => {
          signal.removeEventListener('abort', giveUp);
          resolve(place());
        };
        signal.addEventListener('abort', giveUp, { once: true });
        wait(owner, start);
        startNext();
      });
    },
    state() {
      const queues = [...tenants.values()].flatMap((episodes) => [...episodes.values()]);
      return { inFlight, waiting: queues.flat().length };
    },
  };
}
