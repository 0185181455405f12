import t from 'tap';
import { onceAfterLoss } from '../../../src/engines/vllm/repeats.ts';

/** A function that ends when the test lets it, and how often it was called. */
function held() {
  const ends: (() => void)[] = [];
  const again = () => new Promise<void>((resolve) => ends.push(resolve));
  return { ends, again };
}

t.test('queries that are lost together have their items restored once', async (t) => {
  const { ends, again } = held();
  const restore = onceAfterLoss(again);
  const lostAt = performance.now();
  const first = [restore(lostAt), restore(lostAt)];
  t.equal(ends.length, 1);
  ends[0]?.();
  await Promise.all(first);
  await restore(lostAt);
  t.equal(ends.length, 1, 'also for a query that notices the same loss later');
});

t.test('items that are lost while they are restored are restored again', async (t) => {
  const { ends, again } = held();
  const restore = onceAfterLoss(again);
  const first = restore(performance.now());
  await new Promise((resolve) => setTimeout(resolve, 2));
  const lostAt = performance.now();
  ends[0]?.();
  await first;
  const second = restore(lostAt);
  t.equal(ends.length, 2);
  ends[1]?.();
  await second;
});

t.test('items that could not be restored are restored for the next query', async (t) => {
  let calls = 0;
  const restore = onceAfterLoss(async () => {
    calls += 1;
    if (calls === 1) throw new Error('lost again');
  });
  const lostAt = performance.now();
  await t.rejects(restore(lostAt), /lost again/);
  await restore(lostAt);
  t.equal(calls, 2);
});
