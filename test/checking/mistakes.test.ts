import t from 'tap';
import { Type } from 'typebox';
import { findMistakes } from '../../src/checking/mistakes.ts';
import type { Shape } from '../../src/checking/shape.ts';

const Item = Type.Object({ length: Type.Integer({ minimum: 1 }) });
const schema = (maxItems?: number) =>
  Type.Object({ lists: Type.Array(Type.Array(Item, maxItems ? { maxItems } : {})), name: Type.String() });
const find = (maxItems: number | undefined, list: unknown[]) =>
  findMistakes(schema(maxItems) as Shape, { lists: [list], name: 'a' }, '/episode', 3);

/** Makes items whose member `length` is read. @returns the items, and how often a member was read */
function counted(count: number, length: number) {
  const reads = { times: 0 };
  const item = {
    get length() {
      reads.times += 1;
      return length;
    },
  };
  return { items: Array.from({ length: count }, () => item), reads };
}

t.test('the items of a list that is too long are not searched', async (t) => {
  const { items, reads } = counted(100_000, 0);
  t.strictSame(find(1000, items).at(-1), { pointer: '/episode/lists/0', detail: 'must have at most 1000 entries' });
  t.ok(reads.times < 1000, `${reads.times} reads`);
});

t.test('the search in a long list stops after the wrong items that are named', async (t) => {
  const { items, reads } = counted(100_000, 0);
  const found = find(undefined, items);
  t.match(found.at(-1), { pointer: '/episode/lists/0/102/length', detail: 'must be at least 1' });
  t.ok(reads.times < 1000, `${reads.times} reads`);
});

t.test('the only wrong item of a long list is found', async (t) => {
  for (const index of [0, 99, 100, 4999]) {
    const list: unknown[] = Array.from({ length: 5000 }, () => ({ length: 1 }));
    list[index] = { length: 'zebra' };
    const pointer = `/episode/lists/0/${index}/length`;
    t.strictSame(find(5000, list), [{ pointer, detail: 'must be a whole number' }]);
  }
});

t.test('other mistakes are named beside those of a long list', async (t) => {
  const list = Array.from({ length: 5001 }, () => ({ length: 1 }));
  t.strictSame(findMistakes(schema(5000) as Shape, { lists: [list] }, '', 3), [
    { pointer: '', detail: 'must have `name`' },
    { pointer: '/lists/0', detail: 'must have at most 5000 entries' },
  ]);
});
