import t from 'tap';
import { inOrderOfSettling } from '../../src/process/settled.ts';

t.test('values come in the order in which promises settle', async (t) => {
  const all = Array.from({ length: 4 }, () => Promise.withResolvers<string>());
  const [a, b, c, d] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0], (typeof all)[0]];
  const values = inOrderOfSettling(all.map(({ promise }) => promise));
  c.resolve('c');
  t.equal((await values.next()).value, 'c');
  d.resolve('d');
  a.resolve('a');
  t.equal((await values.next()).value, 'd', 'while nobody waited, two settled');
  t.equal((await values.next()).value, 'a');
  const last = values.next();
  b.resolve('b');
  t.equal((await last).value, 'b');
  t.strictSame(await values.next(), { value: undefined, done: true });
  t.strictSame(await Array.fromAsync(inOrderOfSettling([])), []);
});

t.test('the first rejection is thrown, in its turn, and a later one does not end the process', async (t) => {
  const late = Promise.withResolvers<string>();
  const values = inOrderOfSettling([late.promise, Promise.resolve('a'), Promise.reject(new Error('broken'))]);
  t.equal((await values.next()).value, 'a');
  await t.rejects(values.next(), { message: 'broken' });
  late.reject(new Error('late'));
  t.strictSame(await values.next(), { value: undefined, done: true });
});

t.test('work begins when an earlier value has been yielded, a few at a time', async (t) => {
  const begun: number[] = [];
  function* work() {
    for (const number of [0, 1, 2, 3]) {
      begun.push(number);
      yield Promise.resolve(number);
    }
  }
  const values = inOrderOfSettling(work(), 2);
  t.strictSame(begun, [], 'nothing begins before the first value is requested');
  await values.next();
  t.strictSame(begun, [0, 1]);
  await values.next();
  t.strictSame(begun, [0, 1, 2]);
  t.strictSame(await Array.fromAsync(values), [2, 3]);
});
