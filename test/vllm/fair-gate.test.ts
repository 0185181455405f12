import t from 'tap';
import { createFairGate, type Owner } from '../../src/engine/fair-gate.ts';

const forever = new AbortController().signal;
const episode = (name: string, tenant = 'alice') => ({ tenant, episode: Symbol.for(name) });

t.test('waiting episodes take turns: a long episode does not delay a short one', async (t) => {
  const gate = createFairGate(1);
  const [long, short] = [episode('long'), episode('short')];
  const order: string[] = [];
  const work = async (owner: Owner, name: string) => {
    const leave = await gate.enter(owner, forever);
    order.push(name);
    leave();
  };
  const leave = await gate.enter(long, forever);
  const all = [...[1, 2, 3, 4].map((i) => work(long, `long ${i}`)), work(short, 'short')];
  t.same(gate.state(), { inFlight: 1, waiting: 5 });
  leave();
  await Promise.all(all);
  t.same(order, ['long 1', 'short', 'long 2', 'long 3', 'long 4']);
  t.same(gate.state(), { inFlight: 0, waiting: 0 });
});

t.test('tenants take turns: many episodes of one tenant do not delay those of another', async (t) => {
  const gate = createFairGate(1);
  const order: string[] = [];
  const work = async (name: string, tenant: string) => {
    const leave = await gate.enter(episode(name, tenant), forever);
    order.push(name);
    leave();
  };
  const leave = await gate.enter(episode('first'), forever);
  const all = ['a1', 'a2', 'a3', 'a1'].map((name) => work(name, 'alice'));
  all.push(...['b1', 'b2'].map((name) => work(name, 'bob')));
  leave();
  await Promise.all(all);
  t.same(order, ['a1', 'b1', 'a2', 'b2', 'a3', 'a1']);
  t.same(gate.state(), { inFlight: 0, waiting: 0 });
});

t.test('a gate admits no more requests at once than its limit', async (t) => {
  const gate = createFairGate(3);
  let most = 0;
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const leave = await gate.enter(episode(`${i % 4}`), forever);
      most = Math.max(most, gate.state().inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      leave();
      leave();
    }),
  );
  t.equal(most, 3);
  t.same(gate.state(), { inFlight: 0, waiting: 0 });
});

t.test('an aborted request leaves the queue', async (t) => {
  const gate = createFairGate(1);
  const leave = await gate.enter(episode('first'), forever);
  const impatient = new AbortController();
  const second = gate.enter(episode('second'), impatient.signal);
  const third = gate.enter(episode('third'), forever);
  impatient.abort(new Error('enough'));
  await t.rejects(second, { message: 'enough' });
  leave();
  (await third)();
  t.same(gate.state(), { inFlight: 0, waiting: 0 });
  await t.rejects(gate.enter(episode('late'), AbortSignal.abort(new Error('late'))), { message: 'late' });
});
