/** A bounded number of requests in flight, shared in turn by the episodes that wait. */
export interface FairGate {
  /**
   * Waits for a place.
   * @param owner the episode; waiting ones take turns, so a long one does not hold up a short one
   * @returns a function that gives the place back
   * @throws the signal's reason when it aborts first
   */
  enter(owner: symbol, signal: AbortSignal): Promise<() => void>;
  state(): { inFlight: number; waiting: number };
}

export function createFairGate(places: number): FairGate {
  // A Map keeps its order: the first key is the episode whose turn it is.
  const queues = new Map<symbol, (() => void)[]>();
  let inFlight = 0;

  function startNext() {
    const [turn] = queues;
    if (!turn || inFlight >= places) return;
    const [owner, queue] = turn;
    queues.delete(owner);
    const start = queue.shift();
    if (queue.length > 0) queues.set(owner, queue);
    start?.();
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
      if (inFlight < places && queues.size === 0) return place();
      return new Promise((resolve, reject) => {
        const queue = queues.get(owner) ?? [];
        queues.set(owner, queue);
        const leave = () => {
          queue.splice(queue.indexOf(start), 1);
          if (queue.length === 0) queues.delete(owner);
          reject(signal.reason);
        };
        const start = () => {
          signal.removeEventListener('abort', leave);
          resolve(place());
        };
        signal.addEventListener('abort', leave, { once: true });
        queue.push(start);
        startNext();
      });
    },
    state: () => ({ inFlight, waiting: [...queues.values()].reduce((sum, queue) => sum + queue.length, 0) }),
  };
}
