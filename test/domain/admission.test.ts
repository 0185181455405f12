import t from 'tap';
import { createAdmission } from '../../src/admission.ts';

const forever = new AbortController().signal;

/** An admission whose one place is taken, and what becomes of those that wait. */
async function busyPlace(waiting: number, bytes = 100) {
  const admission = createAdmission({ places: 1, bytes, waiting });
  const order: string[] = [];
  const first = await admission.enter(1, forever);
  const wait = (name: string, tenant: string, { bytes = 1, signal = forever } = {}) =>
    admission.enter(bytes, signal, tenant).then(
      (ticket) => {
        order.push(name);
        ticket.release();
      },
      (error) => {
        order.push(`${name}: ${error.code ?? error.message}`);
      },
    );
  return { admission, order, first, wait };
}

t.test('tenants take turns: many uploads of one do not hold up another', async (t) => {
  const { admission, order, first, wait } = await busyPlace(10);
  const all = [wait('a1', 'alice'), wait('a2', 'alice'), wait('a3', 'alice'), wait('b1', 'bob'), wait('b2', 'bob')];
  t.same(admission.state(), { active: 1, waiting: 5, bytes: 1 });
  first.release();
  await Promise.all(all);
  t.same(order, ['a1', 'b1', 'a2', 'b2', 'a3']);
  t.same(admission.state(), { active: 0, waiting: 0, bytes: 0 });
});

t.test('a full queue has room for a tenant that has less of it, and for nobody else', async (t) => {
  const { admission, order, first, wait } = await busyPlace(4);
  const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => wait(name, 'alice'));
  all.push(wait('b1', 'bob'), wait('b2', 'bob'), wait('b3', 'bob'));
  await new Promise((resolve) => setImmediate(resolve));
  t.same([...order].sort(), ['a3: server-busy', 'a4: server-busy', 'a5: server-busy', 'b3: server-busy']);
  t.equal(admission.state().waiting, 4);
  first.release();
  await Promise.all(all);
  t.same(order.slice(4), ['a1', 'b1', 'a2', 'b2']);
  t.same(admission.state(), { active: 0, waiting: 0, bytes: 0 });
});

t.test('who gives up leaves the queue, and lets in who waited behind', async (t) => {
  const { admission, order, wait } = await busyPlace(4, 10);
  const impatient = new AbortController();
  const wide = createAdmission({ places: 9, bytes: 10, waiting: 4 });
  await wide.enter(6, forever, 'alice');
  const large = wide.enter(8, impatient.signal, 'alice');
  const small = wide.enter(2, forever, 'bob');
  t.same(wide.state(), { active: 1, waiting: 2, bytes: 6 }, 'a large one is not overtaken');
  impatient.abort(new Error('enough'));
  await t.rejects(large, { message: 'enough' });
  await small;
  t.same(wide.state(), { active: 2, waiting: 0, bytes: 8 });
  const leaving = new AbortController();
  const gone = wait('gone', 'carol', { signal: leaving.signal });
  leaving.abort(new Error('enough'));
  await gone;
  t.same(order, ['gone: enough']);
  t.same(admission.state(), { active: 1, waiting: 0, bytes: 1 });
});
