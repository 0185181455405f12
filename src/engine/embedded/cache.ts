import { bytesOf, type KeysValues } from './past.ts';

/**
 * Keys and values of blocks that were computed before, by a name that stands for the block and all before it (its link of
 * a chain). Holds so many bytes and never more.
 *
 * Many robots that take turns ask for what was used longest ago, so dropping just that would leave nothing for any of them.
 * Here an episode gives way when it is overdue: unused for several times as long as the one that wants its place was away.
 * Where none is, the newcomer's end stays out, and what is not whole is the first to make room for others. So as many
 * episodes as fit stay whole, whatever their order, and those that have ended go.
 */
export interface BlockCache {
  /** What is there of a chain, from its first block on and without a gap. */
  find(chain: string[]): KeysValues[];
  /**
   * One use of an episode: keeps its first blocks as far as they find room. A tenant makes room for itself, and for others as
   * long as it holds more than they do.
   * @param chain of the episode, as far as it was computed; a longer one that begins alike is the same episode, grown
   * @param total of its blocks
   */
  keep(chain: string[], blocks: KeysValues[], tenant: string, total?: number): void;
  state(): { bytes: number; blocks: number };
}

/** How many times its own turn an episode may stay away. Robots do not come in exact order. */
const PATIENCE = 3;
/** Episodes whose last use is remembered, with blocks or without. */
const REMEMBERED = 10_000;

interface Episode {
  /** of the blocks that it holds, in order */
  links: string[];
  tenant: string;
  /** holds all its blocks */
  whole: boolean;
  /** when, counted in uses of the cache */
  used: number;
}

export function createBlockCache(limit: number): BlockCache {
  const held = new Map<string, { block: KeysValues; holders: number }>();
  const bytesByTenant = new Map<string, number>();
  // By the last link of the chain. A Map keeps its order: the first one was used longest ago.
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
    const link = episode.links.pop() as string;
    episode.whole = false;
    const entry = held.get(link);
    if (!entry) return;
    entry.holders -= 1;
    if (entry.holders > 0) return;
    held.delete(link);
    count(-bytesOf(entry.block), episode.tenant);
  }

  /** The episode that should give its last block away; undefined where none should. */
  function giver(tenant: string, size: number, patience: number): Episode | undefined {
    const [richest, most] = [...bytesByTenant].reduce((one, other) => (other[1] > one[1] ? other : one), [tenant, 0]);
    const other = richest !== tenant && most > bytesOfTenant(tenant) + size;
    const from = other ? richest : tenant;
    const oldest = holding(from).next().value;
    if (!oldest || now - oldest.used > patience) return oldest;
    return holding(from).find(({ whole }) => !whole) ?? (other ? oldest : undefined);
  }

  /** @returns whether a block of this size may be added now */
  function makeRoom(size: number, tenant: string, patience: number): boolean {
    if (size > limit) return false;
    while (bytes + size > limit) {
      const episode = giver(tenant, size, patience);
      if (!episode) return false;
      dropLast(episode);
    }
    return true;
  }

  function forgetOldest() {
    const [name, episode] = episodes.entries().next().value as [string, Episode];
    while (episode.links.length > 0) dropLast(episode);
    episodes.delete(name);
  }

  return {
    find(chain) {
      const end = chain.findIndex((link) => !held.has(link));
      return chain
        .slice(0, end < 0 ? chain.length : end)
        .map((link) => (held.get(link) as { block: KeysValues }).block);
    },
    keep(chain, blocks, tenant, total = chain.length) {
      const name = chain.at(-1);
      if (name === undefined) return;
      now += 1;
      const before = chain.findLast((link) => episodes.has(link));
      const last = before === undefined ? undefined : episodes.get(before);
      // Whoever is new is taken for one more of those that take turns.
      const away = last ? now - last.used : [...holding(tenant)].length;
      if (before !== undefined) episodes.delete(before);
      const episode: Episode = { links: last?.links ?? [], tenant, whole: false, used: now };
      for (const [place, block] of blocks.entries()) {
        if (place < episode.links.length) continue;
        const link = chain[place] as string;
        const known = held.get(link);
        if (known) known.holders += 1;
        else if (makeRoom(bytesOf(block), tenant, PATIENCE * away)) {
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
