import t from 'tap';
import { type BlockCache, createBlockCache } from '../../../src/engines/embedded/cache.ts';
import { noFaults } from '../../support/faults.ts';

const block = (floats: number) => ({ keys: new Float32Array(floats), values: new Float32Array(floats) });
const BYTES = 8 * 100;
const blocks = (count: number) => Array.from({ length: count }, () => block(100));
const chain = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}.${i}`);
const use = (cache: BlockCache, name: string, count: number, tenant = 'a') =>
  cache.keep(chain(name, count), blocks(count), tenant);
const found = (cache: BlockCache, name: string, count: number) => cache.find(chain(name, count)).length;
const robots = (count: number, name = 'robot') => Array.from({ length: count }, (_, i) => `${name}${i}`);

/**
 * Uses each episode once, in order. Each has `count` blocks, of which the last `fresh` are new.
 * @returns how many episodes had all their older blocks in the cache
 */
function round(cache: BlockCache, names: string[], count: number, fresh = 0, tenant = 'a'): number {
  let hits = 0;
  for (const name of names) {
    if (found(cache, name, count) >= count - fresh) hits += 1;
    use(cache, name, count, tenant);
  }
  return hits;
}

/** The names in another order, which depends only on the seed. */
function shuffled(names: string[], seed: number): string[] {
  let state = seed;
  const weigh = (name: string) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return [state, name] as const;
  };
  return names
    .map(weigh)
    .sort(([one], [other]) => one - other)
    .map(([, name]) => name);
}

t.test('a chain is found from its start up to the first gap', async (t) => {
  const cache = createBlockCache(100 * BYTES);
  const kept = blocks(3);
  cache.keep(chain('a', 3), kept, 'a');
  t.strictSame(cache.find(chain('a', 5)), kept);
  t.equal(cache.find(chain('a', 5))[1], kept[1]);
  t.same(cache.find(chain('b', 5)), []);
  t.same(cache.find(['b.0', 'a.1', 'a.2']), [], 'a chain is not found from the middle');
});

t.test('the cache never exceeds its limit, and counts every byte once', async (t) => {
  const cache = createBlockCache(10 * BYTES);
  const faults: string[] = [];
  for (let i = 0; i < 200; i += 1) {
    const name = `e${i % 7}`;
    // Several episodes share their first link, and the second tenant uses the cache only from time to time.
    const links = [`${i % 2}`, ...chain(name, i % 12)];
    cache.keep(links, blocks(links.length), i % 50 > 40 ? 'b' : 'a');
    const { bytes, blocks: count } = cache.state();
    if (bytes > 10 * BYTES || bytes !== count * BYTES) faults.push(`step ${i}: ${bytes} bytes in ${count} blocks`);
  }
  noFaults(t, faults, 'within the limit, and counted correctly');
  t.equal(cache.state().blocks, 10, 'the cache is full');
  cache.keep(['huge'], [block(2000)], 'a');
  t.equal(cache.state().blocks, 10, 'a block that is larger than the cache evicts nothing');
  t.same(cache.find(['huge']), [], 'such a block is not stored');
});

t.test('blocks of an incomplete episode are evicted first, a complete episode stays', async (t) => {
  for (const [total, left] of [
    [9, { old: 4, cut: 2 }],
    [4, { old: 4, cut: 4 }],
  ] as const) {
    const cache = createBlockCache(8 * BYTES);
    use(cache, 'old', 4);
    cache.keep(chain('cut', 4), blocks(4), 'a', total);
    use(cache, 'new', 2);
    t.same({ old: found(cache, 'old', 4), cut: found(cache, 'cut', 4) }, left, `4 blocks of ${total}`);
  }
});

t.test('with many robots in turn, as many episodes stay complete as fit', async (t) => {
  const names = robots(100);
  for (const share of [0.25, 0.5, 0.75, 0.9]) {
    const cache = createBlockCache(share * 100 * 20 * BYTES);
    for (const expected of [0, ...Array(6).fill(share * 100)])
      t.equal(round(cache, names, 20), expected, `the cache fits ${share * 100} of 100 episodes`);
  }
});

t.test('with growing episodes, hits correspond to the space at every length', async (t) => {
  const cache = createBlockCache(1500 * BYTES);
  const names = robots(50);
  const faults: string[] = [];
  for (let length = 1; length <= 90; length += 1) {
    const hits = round(cache, names, length, 1);
    // A hit finds all blocks except the new one.
    const room = Math.min(50, 1500 / (length - 1));
    if (!(hits >= 0.85 * room && hits <= room + 1))
      faults.push(`${hits} of 50 at ${length} blocks; the cache fits ${room.toFixed(1)}`);
  }
  noFaults(t, faults, 'hits correspond to the space');
});

t.test('robots in random order get nearly as many hits', async (t) => {
  const cache = createBlockCache(50 * 20 * BYTES);
  const hits = Array.from({ length: 20 }, (_, i) => round(cache, shuffled(robots(100), i + 1), 20)).slice(1);
  t.ok(Math.min(...hits) >= 40, `${hits} of 100; the cache fits 50`);
});

t.test('finished episodes are evicted', async (t) => {
  const cache = createBlockCache(60 * 20 * BYTES);
  for (let i = 0; i < 3; i += 1) round(cache, robots(50), 20);
  const hits = Array.from({ length: 8 }, () => round(cache, robots(50, 'later'), 20));
  t.equal(hits.at(-1), 50, `${hits} of 50`);
});

t.test('episodes that are used once do not evict those that are used again', async (t) => {
  const cache = createBlockCache(60 * 20 * BYTES);
  const names = robots(50);
  round(cache, names, 20);
  const faults: string[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    for (const [i, name] of names.entries()) {
      const hits = found(cache, name, 20);
      if (hits !== 20) faults.push(`${name} in turn ${turn}: ${hits} blocks`);
      use(cache, name, 20);
      if (i % 2 === 0) use(cache, `once${turn}.${i}`, 20);
    }
  }
  noFaults(t, faults, 'all 20 blocks are found');
});

t.test('an episode that was just used is found when it is used again', async (t) => {
  const cache = createBlockCache(10 * BYTES);
  for (let i = 0; i < 30; i += 1) {
    use(cache, `e${i}`, 4);
    use(cache, `e${i}`, 4);
    t.equal(found(cache, `e${i}`, 4), 4);
  }
});

t.test('the start of a chain that is too long is kept', async (t) => {
  const cache = createBlockCache(4 * BYTES);
  use(cache, 'a', 4);
  use(cache, 'a', 9);
  t.equal(found(cache, 'a', 9), 4);
});

t.test('a tenant that floods the cache leaves an equal part to other tenants', async (t) => {
  const cache = createBlockCache(100 * BYTES);
  const names = robots(10, 'alice');
  round(cache, names, 5, 0, 'alice');
  for (let turn = 0; turn < 5; turn += 1) {
    for (let i = 0; i < 500; i += 1) use(cache, `bob${turn}.${i}`, 7, 'bob');
    t.equal(round(cache, names, 5, 0, 'alice'), 10, 'all blocks of alice are found: they fit into half of the cache');
  }
  const late = robots(8, 'carol');
  round(cache, late, 4, 0, 'carol');
  t.equal(round(cache, late, 4, 0, 'carol'), 8, 'a later tenant gets a part from the tenants that hold more');
  t.ok(round(cache, names, 5, 0, 'alice') >= 6, 'the earlier tenant keeps its part');
});

t.test('blocks that two episodes share are stored once, until both are evicted', async (t) => {
  const cache = createBlockCache(6 * BYTES);
  const shared = ['s.0', 's.1'];
  cache.keep([...shared, 'x'], blocks(3), 'a');
  cache.keep([...shared, 'y'], blocks(3), 'a');
  t.equal(cache.state().blocks, 4);
  t.equal(cache.find([...shared, 'x']).length, 3);
  // This episode is used again immediately, so all others become overdue.
  for (let i = 0; i < 12; i += 1) use(cache, 'z', 6);
  t.equal(found(cache, 'z', 6), 6);
  t.same(cache.state(), { bytes: 6 * BYTES, blocks: 6 });
  t.equal(cache.find(shared).length, 0);
});

t.test('a cache with limit 0 stores nothing', async (t) => {
  const cache = createBlockCache(0);
  use(cache, 'a', 2);
  t.same(cache.state(), { bytes: 0, blocks: 0 });
  cache.keep([], [], 'a');
});
