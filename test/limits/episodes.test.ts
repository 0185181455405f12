import t from 'tap';
import { createFairQueue } from '../../src/limits/fair-queue.ts';
import type { Owner } from '../../src/limits/turns.ts';

const forever = new AbortController().signal;
const IDLE = { active: 0, waiting: 0, bytes: 0 };
const episode = (name: string, tenant = 'alice') => ({ tenant, episode: Symbol.for(name) });

t.test('waiting episodes take turns: a long episode does not delay a short one', async (t) => {
  const queue = createFairQueue({ places: 1 });
  const [long, short] = [episode('long'), episode('short')];
  const order: string[] = [];
  const work = async (owner: Owner, name: string) => {
    const { release } = await queue.enter(owner, forever);
    order.push(name);
    release();
  };
  const { release } = await queue.enter(long, forever);
  const all = [...[1, 2, 3, 4].map((i) => work(long, `long ${i}`)), work(short, 'short')];
  t.same(queue.state(), { active: 1, waiting: 5, bytes: 0 });
  release();
  await Promise.all(all);
  t.same(order, ['long 1', 'short', 'long 2', 'long 3', 'long 4']);
  t.same(queue.state(), IDLE);
});

t.test('tenants take turns: many episodes of one tenant do not delay those of another', async (t) => {
  const queue = createFairQueue({ places: 1 });
  const order: string[] = [];
  const work = async (name: string, tenant: string) => {
    const { release } = await queue.enter(episode(name, tenant), forever);
    order.push(name);
    release();
  };
  const { release } = await queue.enter(episode('first'), forever);
  const all = ['a1', 'a2', 'a3', 'a1'].map((name) => work(name, 'alice'));
  all.push(...['b1', 'b2'].map((name) => work(name, 'bob')));
  release();
  await Promise.all(all);
  t.same(order, ['a1', 'b1', 'a2', 'b2', 'a3', 'a1']);
  t.same(queue.state(), IDLE);
});

t.test('a queue admits no more requests at once than it has places', async (t) => {
  const queue = createFairQueue({ places: 3 });
  let most = 0;
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const { release } = await queue.enter(episode(`${i % 4}`), forever);
      most = Math.max(most, queue.state().active);
      await new Promise((resolve) => setImmediate(resolve));
      release();
      release();
    }),
  );
  t.equal(most, 3);
  t.same(queue.state(), IDLE);
});

t.test('an aborted request leaves the queue', async (t) => {
  const queue = createFairQueue({ places: 1 });
  const { release } = await queue.enter(episode('first'), forever);
  const impatient = new AbortController();
  const second = queue.enter(episode('second'), impatient.signal);
  const third = queue.enter(episode('third'), forever);
  impatient.abort(new Error('enough'));
  await t.rejects(second, { message: 'enough' });
  release();
  (await third).release();
  t.same(queue.state(), IDLE);
  await t.rejects(queue.enter(episode('late'), AbortSignal.abort(new Error('late'))), { message: 'late' });
});
