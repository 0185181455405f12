import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { reply } from '../../support/fake-vllm.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

t.test('a request to the tokenizer whose connection breaks is sent up to three times more', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  t.equal((await post(address, 2)).status, 200, 'its prompt is known then');
  let failures = 3;
  let sent = 0;
  fake.behaviour.instead = (path, response) => {
    if (path !== '/tokenize') return undefined;
    sent += 1;
    failures -= 1;
    if (failures < 0) return undefined;
    response.socket?.destroy();
    return true;
  };
  const answers = (text: string) => ({ answers: { true_texts: [text] } });
  t.equal((await post(address, 2, answers('X'))).status, 200);
  t.equal(sent, 4);
  [failures, sent] = [4, 0];
  t.match(await post(address, 2, answers('Y')), { status: 503, body: { code: 'engine-unavailable' } });
  t.equal(sent, 4);
});

const [MANY, FEW] = ['the-key-of-many-texts', 'the-key-of-few-texts'];
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

t.test('new answers of one tenant delay neither the queries nor the new answers of another', async (t) => {
  const keys = { API_KEYS: `many=${MANY},few=${FEW}`, ENGINE_CONCURRENCY: '2' };
  const { fake, app, address } = await startService(t, {}, keys);
  await readiness(app, 200);
  for (const key of [MANY, FEW]) t.equal((await post(address, 4, {}, as(key))).status, 200, 'its prompt is known then');
  const held: ServerResponse[] = [];
  fake.behaviour.instead = (path, response) => (path === '/tokenize' ? held.push(response) : undefined);
  let id = 1000;
  const answerNext = () => {
    id += 1;
    const response = held.shift();
    if (response) reply(response, 200, { tokens: [id], token_strs: ['x'] });
  };
  const answers = (name: string) => ({ answers: { true_texts: [`${name}1`], false_texts: [`${name}2`] } });
  const many = Array.from({ length: 12 }, (_, i) => post(address, 2, answers(`many${i}-`), as(MANY)));
  while (held.length < 4) await setImmediate();

  const usual = await post(address, 4, {}, as(FEW));
  t.equal(usual.status, 200, 'the default answers are known: its queries do not wait');
  t.equal(held.length, 4, 'four requests to the tokenizer are sent at once');

  let done = false;
  const few = post(address, 2, answers('few'), as(FEW)).finally(() => {
    done = true;
  });
  while (!(await app.inject('/metrics')).body.includes('topreward_queue_waiting{queue="engine-tokens"} 9'))
    await setImmediate();
  // Its two texts come after at most four sent ones each, and one of the other tenant's.
  for (let answered = 0; answered < 12; answered += 1) {
    while (held.length < 4) await setImmediate();
    answerNext();
  }
  const until = performance.now() + 5000;
  while (!done && performance.now() < until) await setImmediate();
  t.ok(done, 'its turn comes before the 24 texts of the other tenant');
  fake.behaviour.instead = undefined;
  while (held.length > 0) answerNext();
  t.equal((await few).status, 200);
  for (const { status } of await Promise.all(many)) t.equal(status, 200);
});
