/** Who waits. Tenants take turns, and within a tenant its episodes take turns. */
export interface Owner {
  /** Requests that name no tenant belong to the same one. */
  tenant?: string;
  /** Requests of a tenant that name no episode belong to the same one. */
  episode?: symbol;
}

/** A request that waits. */
interface Owned {
  tenant: string;
  episode: symbol | undefined;
}

/** The order of waiting requests. It decides who is next, not whether the next one may start. */
interface Turns<Item extends Owned> {
  /** How many requests wait. */
  count(): number;
  /** Adds a request at the end of its episode. */
  add(item: Item): void;
  /** Removes a request. The turns of all others stay as they are. */
  remove(item: Item): void;
  /**
   * The next request of the first tenant in turn.
   * @param isReady if false, the next tenant's request is considered instead; the tenant keeps its turn for later
   */
  first(isReady: (item: Item) => boolean): Item | undefined;
  /** Removes a request that starts, which ends a turn of its tenant and of its episode. */
  take(item: Item): void;
  /**
   * Selects the request to refuse if there is one too many: the newest of the longest episode of the tenant that
   * has most for its weight, or the newcomer on a tie.
   * @param newcomer the request that was added last
   */
  surplus(newcomer: Item): Item;
}

interface Tenant<Item> {
  weight: number;
  /** Turns until the next tenant's turn. */
  turns: number;
  count: number;
  /** The requests of each episode in order of arrival. The first episode is next. */
  episodes: Map<symbol | undefined, Item[]>;
}

/**
 * Creates an empty order.
 * @param weightOf how many turns a tenant takes before the next tenant: a whole number, at least 1
 */
export function createTurns<Item extends Owned>(weightOf: (tenant: string) => number): Turns<Item> {
  // A Map keeps the order of insertion: the first key is the tenant whose turn it is.
  const tenants = new Map<string, Tenant<Item>>();
  let count = 0;

  function join(name: string): Tenant<Item> {
    const weight = weightOf(name);
    const tenant = { weight, turns: weight, count: 0, episodes: new Map() };
    tenants.set(name, tenant);
    return tenant;
  }

  function remove(item: Item): void {
    const tenant = tenants.get(item.tenant);
    const line = tenant?.episodes.get(item.episode);
    const at = line?.indexOf(item) ?? -1;
    if (!tenant || !line || at < 0) return;
    line.splice(at, 1);
    if (line.length === 0) tenant.episodes.delete(item.episode);
    tenant.count -= 1;
    if (tenant.count === 0) tenants.delete(item.tenant);
    count -= 1;
  }

  return {
    count: () => count,
    add(item) {
      const tenant = tenants.get(item.tenant) ?? join(item.tenant);
      const line = tenant.episodes.get(item.episode);
      if (line) line.push(item);
      else tenant.episodes.set(item.episode, [item]);
      tenant.count += 1;
      count += 1;
    },
    remove,
    first(isReady) {
      for (const { episodes } of tenants.values()) {
        const item = episodes.values().next().value?.[0];
        if (item && isReady(item)) return item;
      }
      return undefined;
    },
    take(item) {
      remove(item);
      const tenant = tenants.get(item.tenant);
      if (!tenant) return;
      moveToEnd(tenant.episodes, item.episode);
      tenant.turns -= 1;
      if (tenant.turns >= 1) return;
      tenant.turns = tenant.weight;
      moveToEnd(tenants, item.tenant);
    },
    surplus(newcomer) {
      const own = tenants.get(newcomer.tenant);
      const most = largest(tenants.values(), (tenant) => tenant.count / tenant.weight);
      if (!own || !most || own.count / own.weight >= most.count / most.weight) return newcomer;
      return largest(most.episodes.values(), (line) => line.length)?.at(-1) ?? newcomer;
    },
  };
}

function moveToEnd<Key, Value>(map: Map<Key, Value>, key: Key): void {
  const value = map.get(key);
  if (value === undefined || map.size === 1) return;
  map.delete(key);
  map.set(key, value);
}

/** The first of the elements with the largest size. */
function largest<Element>(elements: Iterable<Element>, size: (element: Element) => number): Element | undefined {
  let found: Element | undefined;
  for (const element of elements) if (found === undefined || size(element) > size(found)) found = element;
  return found;
}
