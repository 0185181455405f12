import t from 'tap';
import { createBlockCache } from '../../src/engine/embedded/cache.ts';

const block = (floats: number) => ({ keys: new Float32Array(floats), values: new Float32Array(floats) });
const BYTES = 8 * 100;
const blocks = (count: number) => Array.from({ length: count }, () => block(100));
const chain = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`);

t.test('a chain is found from its start, as far as it is kept without a gap', async (t) => {
  const cache = createBlockCache(100 * BYTES);
  const kept = blocks(3);
  cache.keep(chain('a', 3), kept);
  t.strictSame(cache.find(chain('a', 5)), kept);
  t.equal(cache.find(chain('a', 5))[1], kept[1]);
  t.same(cache.find(chain('b', 5)), []);
  t.same(cache.find(['b0', 'a1', 'a2']), [], 'not from the middle');
});

t.test('it never holds more than its bound, and counts every byte once', async (t) => {
  const cache = createBlockCache(10 * BYTES);
  for (let i = 0; i < 50; i += 1) {
    cache.keep(chain(`e${i % 7}`, 1 + (i % 12)), blocks(1 + (i % 12)));
    const { bytes, blocks: count } = cache.state();
    t.ok(bytes <= 10 * BYTES, `${bytes} bytes`);
    t.equal(bytes, count * BYTES);
  }
  cache.keep(['huge'], [block(2000)]);
  t.ok(cache.state().bytes <= 10 * BYTES);
  t.same(cache.find(['huge']), [], 'what does not fit alone is not kept');
});

t.test('the chain used longest ago goes first, and its end before its start', async (t) => {
  const cache = createBlockCache(6 * BYTES);
  cache.keep(chain('a', 3), blocks(3));
  cache.keep(chain('b', 3), blocks(3));
  cache.keep(chain('a', 3), cache.find(chain('a', 3)));
  cache.keep(chain('c', 2), blocks(2));
  t.equal(cache.find(chain('a', 3)).length, 3, 'used again');
  t.equal(cache.find(chain('b', 3)).length, 1, 'what is left of it is its start');
  t.equal(cache.find(chain('c', 2)).length, 2);
});

t.test('of a chain that is too long its start is kept', async (t) => {
  const cache = createBlockCache(4 * BYTES);
  cache.keep(chain('a', 4), blocks(4));
  cache.keep(chain('a', 9), [...cache.find(chain('a', 9)), ...blocks(5)]);
  t.equal(cache.find(chain('a', 9)).length, 4);
});

t.test('a bound of 0 keeps nothing', async (t) => {
  const cache = createBlockCache(0);
  cache.keep(chain('a', 2), blocks(2));
  t.same(cache.state(), { bytes: 0, blocks: 0 });
});
