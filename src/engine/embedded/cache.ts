import { bytesOf, type KeysValues } from './past.ts';

/**
 * Keys and values of blocks that were computed before, by a name that stands for the block and all before it (its link of
 * a chain). Holds so many bytes and never more; what was used longest ago goes first, and of one chain its end.
 */
export interface BlockCache {
  /** What is there of a chain, from its first block on and without a gap. */
  find(chain: string[]): KeysValues[];
  /** Keeps the first blocks of a chain, as used just now. */
  keep(chain: string[], blocks: KeysValues[]): void;
  state(): { bytes: number; blocks: number };
}

export function createBlockCache(limit: number): BlockCache {
  // A Map keeps its order: the first key is the one used longest ago.
  const kept = new Map<string, KeysValues>();
  let bytes = 0;

  function remove(link: string) {
    const block = kept.get(link);
    if (!block) return;
    kept.delete(link);
    bytes -= bytesOf(block);
  }

  function makeRoom(wanted: number) {
    for (const link of kept.keys()) {
      if (bytes + wanted <= limit) return;
      remove(link);
    }
  }

  return {
    find(chain) {
      const end = chain.findIndex((link) => !kept.has(link));
      return chain.slice(0, end < 0 ? chain.length : end).map((link) => kept.get(link) as KeysValues);
    },
    keep(chain, blocks) {
      for (const link of chain.slice(0, blocks.length)) remove(link);
      // From its end to its start: a block without those before it is of no use, so it must be the first to go.
      for (const [place, block] of [...blocks.entries()].reverse()) {
        const size = bytesOf(block);
        makeRoom(size);
        if (size > limit) continue;
        kept.set(chain[place] as string, block);
        bytes += size;
      }
    },
    state: () => ({ bytes, blocks: kept.size }),
  };
}
