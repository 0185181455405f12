import t from 'tap';
import { permutation } from '../../../src/methods/gvl/permutation.ts';
import { GVL_NUMBERS } from '../../support/gvl-numbers.ts';

t.test('orders equal those of numpy', async (t) => {
  for (const { seed, count, order } of GVL_NUMBERS.permutations)
    t.strictSame(permutation(seed, count), order, `seed ${seed}, ${count} frames`);
  t.ok(GVL_NUMBERS.permutations.length >= 100);
});

t.test('every frame occurs once', async (t) => {
  for (let seed = 0; seed < 200; seed += 1) {
    const order = permutation(seed, seed % 40);
    t.strictSame(
      order.toSorted((a, b) => a - b),
      Array.from({ length: seed % 40 }, (_, i) => i),
      `seed ${seed}`,
    );
  }
});

t.test('seeds that numpy reads in another way are refused', async (t) => {
  for (const seed of [-1, 2 ** 32, 0.5, Number.NaN]) t.throws(() => permutation(seed, 3), RangeError, `${seed}`);
});
