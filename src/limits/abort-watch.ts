/** Watches the signals of items. */
interface AbortWatch<Item> {
  add(signal: AbortSignal, item: Item): void;
  remove(signal: AbortSignal, item: Item): void;
}

/**
 * Creates a watch with at most one event listener for each signal. All queries of an episode wait with the same signal,
 * up to 10,000, and a signal searches all its event listeners whenever one is added or removed.
 * @param onAbort is called once for each signal that aborts, with its items in the order in which they were added
 */
export function createAbortWatch<Item>(onAbort: (items: Iterable<Item>, reason: unknown) => void): AbortWatch<Item> {
  const itemsOf = new Map<AbortSignal, Set<Item>>();

  function abort(this: AbortSignal): void {
    const items = itemsOf.get(this) ?? [];
    itemsOf.delete(this);
    onAbort(items, this.reason);
  }

  return {
    add(signal, item) {
      const items = itemsOf.get(signal);
      if (items) {
        items.add(item);
        return;
      }
      itemsOf.set(signal, new Set([item]));
      signal.addEventListener('abort', abort, { once: true });
    },
    remove(signal, item) {
      const items = itemsOf.get(signal);
      items?.delete(item);
      if (items?.size !== 0) return;
      itemsOf.delete(signal);
      signal.removeEventListener('abort', abort);
    },
  };
}
