import { getEventListeners } from 'node:events';
import t from 'tap';
import { createFairQueue, LimitReached, type QueueLimits } from '../../src/limits/fair-queue.ts';
import type { Owner } from '../../src/limits/turns.ts';

const forever = new AbortController().signal;

/** A queue with one place, which is occupied until `first.release()`. `order` records the names of requests as they start. */
async function busyQueue(limits: QueueLimits) {
  const queue = createFairQueue({ places: 1, ...limits });
  const order: string[] = [];
  const first = await queue.enter({}, forever);
  async function wait(name: string, owner: Owner, signal = forever): Promise<void> {
    const { release } = await queue.enter(owner, signal);
    order.push(name);
    release();
  }
  return { queue, order, first, wait };
}

t.test('a tenant of weight 2 takes two turns for one of the others', async (t) => {
  const { order, first, wait } = await busyQueue({ weight: (tenant) => (tenant === 'alice' ? 2 : 1) });
  const requests = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'b3', 'c1'];
  const all = requests.map((name) => wait(name, { tenant: { a: 'alice', b: 'bob', c: 'carol' }[name[0] ?? ''] ?? '' }));
  first.release();
  await Promise.all(all);
  t.same(order, ['a1', 'a2', 'b1', 'c1', 'a3', 'a4', 'b2', 'a5', 'b3']);
});

t.test('a tenant that waits again begins a new round', async (t) => {
  const { queue, order, first, wait } = await busyQueue({ weight: () => 2 });
  const all = [wait('a1', { tenant: 'alice' }), wait('b1', { tenant: 'bob' })];
  first.release();
  await Promise.all(all);
  const again = await queue.enter({}, forever);
  const more = ['b2', 'b3', 'b4'].map((name) => wait(name, { tenant: 'bob' }));
  more.push(wait('a2', { tenant: 'alice' }));
  again.release();
  await Promise.all(more);
  t.same(order, ['a1', 'b1', 'b2', 'b3', 'a2', 'b4']);
});

t.test('a tenant takes turns with its weight, and its episodes share them', async (t) => {
  const { order, first, wait } = await busyQueue({ weight: (tenant) => (tenant === 'alice' ? 2 : 1) });
  const [long, short] = [Symbol('long'), Symbol('short')];
  const all = ['l1', 'l2', 'l3'].map((name) => wait(name, { tenant: 'alice', episode: long }));
  all.push(
    wait('s1', { tenant: 'alice', episode: short }),
    wait('b1', { tenant: 'bob' }),
    wait('b2', { tenant: 'bob' }),
  );
  first.release();
  await Promise.all(all);
  t.same(order, ['l1', 's1', 'b1', 'l2', 'l3', 'b2']);
});

t.test('a full queue refuses a request of the tenant that has most for its weight', async (t) => {
  const { queue, first, wait } = await busyQueue({ waiting: 3, weight: (tenant) => (tenant === 'alice' ? 4 : 1) });
  const ended: string[] = [];
  const watched = (name: string, owner: Owner) =>
    wait(name, owner).catch((error) => ended.push(`${name}: ${error instanceof LimitReached && error.limit}`));
  const all = ['a1', 'a2'].map((name) => watched(name, { tenant: 'alice' }));
  all.push(watched('b1', { tenant: 'bob' }), watched('a3', { tenant: 'alice' }));
  await new Promise(setImmediate);
  t.same(ended, ['b1: 3'], 'three requests are less for weight 4 than one is for weight 1');
  t.equal(queue.state().waiting, 3);
  first.release();
  await Promise.all(all);
});

t.test('a full queue refuses the newest request of the longest episode', async (t) => {
  const { first, order, wait } = await busyQueue({ waiting: 3 });
  const [long, short] = [Symbol('long'), Symbol('short')];
  const all = ['l1', 'l2'].map((name) => wait(name, { tenant: 'alice', episode: long }));
  all.push(wait('s1', { tenant: 'alice', episode: short }), wait('b1', { tenant: 'bob' }));
  first.release();
  await t.rejects(all[1] ?? Promise.resolve(), new LimitReached('waiting', 3));
  await Promise.allSettled(all);
  t.same(order, ['l1', 'b1', 's1']);
});

t.test('all requests of a signal leave the queue at once when it aborts', async (t) => {
  const { queue, first, order, wait } = await busyQueue({});
  const gone = new AbortController();
  const all = Array.from({ length: 1_000 }, (_, i) => wait(`a${i}`, { tenant: `t${i % 3}` }, gone.signal));
  const other = wait('b', { tenant: 'bob' });
  gone.abort(new Error('enough'));
  t.same(queue.state(), { active: 1, waiting: 1, bytes: 0 });
  const ends = await Promise.allSettled(all);
  t.ok(ends.every((end) => end.status === 'rejected' && end.reason.message === 'enough'));
  first.release();
  await other;
  t.same(order, ['b']);
});

t.test('a signal that aborts starts none of its own requests', async (t) => {
  const queue = createFairQueue({ bytes: 10 });
  const gone = new AbortController();
  await queue.enter({ tenant: 'alice' }, forever, 6);
  const large = queue.enter({ tenant: 'bob' }, gone.signal, 8);
  const small = queue.enter({ tenant: 'bob' }, gone.signal, 2);
  const other = queue.enter({ tenant: 'carol' }, forever, 3);
  gone.abort(new Error('enough'));
  await t.rejects(large, { message: 'enough' });
  await t.rejects(small, { message: 'enough' });
  await other;
  t.same(queue.state(), { active: 2, waiting: 0, bytes: 9 });
});

t.test('a signal has one event listener while its requests wait, and none afterwards', async (t) => {
  const { first, wait } = await busyQueue({});
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const all = ['a1', 'a2', 'a3'].map((name) => wait(name, {}, signal));
  t.equal(listeners(), 1);
  first.release();
  await Promise.all(all);
  t.equal(listeners(), 0);
});

t.test('if two tenants have the same number of waiting requests, the newcomer is refused', async (t) => {
  const { first, wait } = await busyQueue({ waiting: 1 });
  const older = wait('a1', { tenant: 'alice' });
  await t.rejects(wait('b1', { tenant: 'bob' }), /limit of 1 waiting/);
  first.release();
  await older;
});
