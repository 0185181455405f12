import t from 'tap';
import { createFairQueue, LimitReached } from '../../src/limits/fair-queue.ts';

const forever = new AbortController().signal;

/** A queue with one place, which is occupied. `order` records how each waiting request ends. */
async function busyPlace(waiting: number, bytes = 100) {
  const queue = createFairQueue({ places: 1, bytes, waiting });
  const order: string[] = [];
  const first = await queue.enter({}, forever, 1);
  const wait = (name: string, tenant: string, { bytes = 1, signal = forever } = {}) =>
    queue.enter({ tenant }, signal, bytes).then(
      (reservation) => {
        order.push(name);
        reservation.release();
      },
      (error) => {
        order.push(`${name}: ${error instanceof LimitReached ? error.resource : error.message}`);
      },
    );
  return { queue, order, first, wait };
}

t.test('tenants take turns: many uploads of one tenant do not delay another tenant', async (t) => {
  const { queue, order, first, wait } = await busyPlace(10);
  const all = [wait('a1', 'alice'), wait('a2', 'alice'), wait('a3', 'alice'), wait('b1', 'bob'), wait('b2', 'bob')];
  t.same(queue.state(), { active: 1, waiting: 5, bytes: 1 });
  first.release();
  await Promise.all(all);
  t.same(order, ['a1', 'b1', 'a2', 'b2', 'a3']);
  t.same(queue.state(), { active: 0, waiting: 0, bytes: 0 });
});

t.test('a full queue accepts a request only from a tenant with fewer waiting requests', async (t) => {
  const { queue, order, first, wait } = await busyPlace(4);
  const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => wait(name, 'alice'));
  all.push(wait('b1', 'bob'), wait('b2', 'bob'), wait('b3', 'bob'));
  await new Promise((resolve) => setImmediate(resolve));
  t.same([...order].sort(), ['a3: waiting', 'a4: waiting', 'a5: waiting', 'b3: waiting']);
  t.equal(queue.state().waiting, 4);
  first.release();
  await Promise.all(all);
  t.same(order.slice(4), ['a1', 'b1', 'a2', 'b2']);
  t.same(queue.state(), { active: 0, waiting: 0, bytes: 0 });
});

t.test('an aborted request leaves the queue, and the request behind it is admitted', async (t) => {
  const wide = createFairQueue({ places: 9, bytes: 10, waiting: 4 });
  const impatient = new AbortController();
  await wide.enter({ tenant: 'alice' }, forever, 6);
  const large = wide.enter({ tenant: 'carol' }, impatient.signal, 8);
  const small = wide.enter({ tenant: 'bob' }, forever, 2);
  t.same(wide.state(), { active: 1, waiting: 2, bytes: 6 }, 'a small request does not overtake a large one');
  impatient.abort(new Error('enough'));
  await t.rejects(large, { message: 'enough' });
  await small;
  t.same(wide.state(), { active: 2, waiting: 0, bytes: 8 });
  const leaving = new AbortController();
  const gone = wide.enter({ tenant: 'carol' }, leaving.signal, 9);
  leaving.abort(new Error('enough'));
  await t.rejects(gone, { message: 'enough' });
  t.same(wide.state(), { active: 2, waiting: 0, bytes: 8 });
});

t.test('memory grows immediately or not at all, and can be released in part', async (t) => {
  const queue = createFairQueue({ places: 9, bytes: 10, waiting: 4 });
  const one = await queue.enter({}, forever, 3);
  const small = await queue.enter({}, forever, 1);
  one.grow(5);
  t.throws(() => one.grow(2), new LimitReached('bytes', 10));
  small.release();
  const other = queue.enter({}, forever, 5);
  t.same(queue.state(), { active: 1, waiting: 1, bytes: 8 });
  one.shrinkTo(6);
  t.equal(queue.state().waiting, 1);
  one.shrinkTo(5);
  await other;
  t.same(queue.state(), { active: 2, waiting: 0, bytes: 10 });
  one.shrinkTo(7);
  t.equal(queue.state().bytes, 10, '`shrinkTo` never reserves more');
  one.release();
  one.release();
  one.grow(1);
  one.shrinkTo(0);
  t.same(queue.state(), { active: 1, waiting: 0, bytes: 5 });
  (await other).grow(100);
  t.equal(queue.state().bytes, 10, 'a request that holds the full capacity may exceed it');
});

t.test('a tenant that holds its share waits for its own requests, and other tenants are admitted', async (t) => {
  const queue = createFairQueue({ places: 4, bytes: 100, waiting: 9, share: 0.5 });
  const order: string[] = [];
  const enter = async (name: string, tenant: string, bytes = 1) => {
    const reservation = await queue.enter({ tenant }, forever, bytes);
    order.push(name);
    return reservation;
  };
  const a1 = await enter('a1', 'alice');
  await enter('a2', 'alice');
  const a3 = enter('a3', 'alice');
  t.same(queue.state(), { active: 2, waiting: 1, bytes: 2 }, 'the share is half of the requests');
  const b1 = await enter('b1', 'bob', 80);
  t.same(queue.state(), { active: 3, waiting: 1, bytes: 82 }, 'a single request of a tenant may exceed the share');
  t.throws(() => a1.grow(60), new LimitReached('bytes', 100), 'the share is half of the memory');
  const b2 = enter('b2', 'bob');
  const c1 = enter('c1', 'carol', 30);
  t.same(queue.state(), { active: 3, waiting: 3, bytes: 82 });
  a1.release();
  await new Promise((resolve) => setImmediate(resolve));
  t.same(
    order,
    ['a1', 'a2', 'b1', 'a3'],
    'alice uses the released capacity again; the requests of bob and carol still do not fit',
  );
  b1.release();
  await Promise.all([a3, b2, c1]);
  t.same(queue.state(), { active: 4, waiting: 0, bytes: 33 });
});
