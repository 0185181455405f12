import { bytesOf, type KeysValues } from './past.ts';

/**
 * A cache of the keys and values of computed blocks. The name of a block (its link in a chain) stands for the block and
 * all blocks before it. The cache never exceeds its limit in bytes.
 *
 * Eviction of the least recently used entry does not work here: if many robots take turns, that entry is always the one
 * needed next, so no robot would find anything. Instead, an episode is evicted when it is overdue: it has been unused
 * for `PATIENCE` times as long as the episode that needs the space was. If none is overdue, the last blocks of the new
 * episode are not stored, and incomplete episodes are evicted first. So as many episodes as fit stay complete, in any
 * order of use, and finished episodes are evicted.
 */
export interface BlockCache {
  /** Returns the cached blocks of a chain, from its first block up to the first gap. */
  find(chain: string[]): KeysValues[];
  /**
   * Records one use of an episode, and stores its first blocks as far as there is space. Space for a tenant comes from
   * its own episodes, and from a tenant that holds more than it does.
   * @param chain links of the episode's blocks, as far as they are computed. A longer chain with the same beginning is
   * the same episode, grown.
   * @param total how many blocks the episode has
   */
  keep(chain: string[], blocks: KeysValues[], tenant: string, total?: number): void;
  state(): { bytes: number; blocks: number };
}

/** An episode is overdue after this many times the usual interval: robots do not take turns in exact order. */
const PATIENCE = 3;
/** How many episodes' last uses are remembered, with or without cached blocks. */
const REMEMBERED = 10_000;

interface Episode {
  /** links of its cached blocks, in order */
  links: string[];
  tenant: string;
  /** true if all its blocks are cached */
  whole: boolean;
  /** time of its last use, counted in uses of the cache */
  used: number;
}

/** @param limit most bytes of keys and values */
export function createBlockCache(limit: number): BlockCache {
  const held = new Map<string, { block: KeysValues; holders: number }>();
  const bytesByTenant = new Map<string, number>();
  // The key is the last link of the chain. A Map keeps the order of insertion: the first episode was used longest ago.
  const episodes = new Map<string, Episode>();
  let bytes = 0;
  let now = 0;

  function count(change: number, tenant: string) {
    bytes += change;
    bytesByTenant.set(tenant, bytesOfTenant(tenant) + change);
  }

  const bytesOfTenant = (tenant: string) => bytesByTenant.get(tenant) ?? 0;
  const holding = (tenant: string) =>
    episodes.values().filter((episode) => episode.tenant === tenant && episode.links.length > 0);

  function dropLast(episode: Episode) {
    const link = episode.links.pop();
    episode.whole = false;
    if (link === undefined) return;
    const entry = held.get(link);
    if (!entry) return;
    entry.holders -= 1;
    if (entry.holders > 0) return;
    held.delete(link);
    count(-bytesOf(entry.block), episode.tenant);
  }

  /** Finds the episode that loses its last block. @returns undefined if none should */
  function nextToEvict(tenant: string, size: number, patience: number): Episode | undefined {
    const [largest, most] = [...bytesByTenant].reduce((one, other) => (other[1] > one[1] ? other : one), [tenant, 0]);
    const other = largest !== tenant && most > bytesOfTenant(tenant) + size;
    const from = other ? largest : tenant;
    const oldest = holding(from).next().value;
    if (!oldest || now - oldest.used > patience) return oldest;
    return holding(from).find(({ whole }) => !whole) ?? (other ? oldest : undefined);
  }

  /** Evicts blocks until a block of this size fits. @returns false if it cannot be made to fit */
  function freeSpace(size: number, tenant: string, patience: number): boolean {
    if (size > limit) return false;
    while (bytes + size > limit) {
      const episode = nextToEvict(tenant, size, patience);
      if (!episode) return false;
      dropLast(episode);
    }
    return true;
  }

  function forgetOldest() {
    const [oldest] = episodes;
    if (!oldest) return;
    const [name, episode] = oldest;
    while (episode.links.length > 0) dropLast(episode);
    episodes.delete(name);
  }

  return {
    find(chain) {
      const found: KeysValues[] = [];
      for (const link of chain) {
        const entry = held.get(link);
        if (!entry) break;
        found.push(entry.block);
      }
      return found;
    },
    keep(chain, blocks, tenant, total = chain.length) {
      const name = chain.at(-1);
      if (name === undefined) return;
      now += 1;
      const before = chain.findLast((link) => episodes.has(link));
      const last = before === undefined ? undefined : episodes.get(before);
      // The interval of a new episode is not known yet. Assume that it takes turns with the tenant's cached episodes.
      const away = last ? now - last.used : [...holding(tenant)].length;
      if (before !== undefined) episodes.delete(before);
      const episode: Episode = { links: last?.links ?? [], tenant, whole: false, used: now };
      for (const [place, link] of chain.entries()) {
        if (place < episode.links.length) continue;
        const block = blocks[place];
        if (!block) break;
        const known = held.get(link);
        if (known) known.holders += 1;
        else if (freeSpace(bytesOf(block), tenant, PATIENCE * away)) {
          held.set(link, { block, holders: 1 });
          count(bytesOf(block), tenant);
        } else break;
        episode.links.push(link);
      }
      episode.whole = episode.links.length === total;
      episodes.set(name, episode);
      if (episodes.size > REMEMBERED) forgetOldest();
    },
    state: () => ({ bytes, blocks: held.size }),
  };
}
