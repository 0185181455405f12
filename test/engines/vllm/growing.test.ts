import t from 'tap';
import { refuse } from '../../support/fake-vllm.ts';
import { growingEpisode } from '../../support/growing.ts';
import { readiness } from '../../support/readiness.ts';
import { frame, post, startService } from './support.ts';

const episode = { instruction: 'Go.', fps: 2 };
const files = await Promise.all(Array.from({ length: 8 }, (_, i) => frame(i)));

t.test('a step sends its unfinished block and only names the others', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const step = growingEpisode(address, episode);
  for (const [i, file] of files.entries()) {
    const { body, tries, sent } = await step(file);
    t.strictSame([tries, sent, body.usage.engine_requests], [1, 1, 1]);
    const items = fake.asked.at(-1)?.items.map(({ data }) => (data ? 'data' : 'name')) ?? [];
    const blocks = Math.ceil((i + 1) / 2);
    t.strictSame(items, [...Array(blocks - 1).fill('name'), 'data'], `${i + 1} frames`);
  }
  const { session } = fake.asked[0] ?? {};
  t.ok(session);
  t.ok(
    fake.asked.every((query) => query.session === session),
    'all steps reach the same engine, also when the first block gets its second frame',
  );
  const { body } = await post(address, 8, { prefixes: { last: 1 } });
  const [named, whole] = fake.asked.slice(-2);
  t.strictSame(
    named?.items.map(({ uuid }) => uuid),
    whole?.items.map(({ uuid }) => uuid),
    'the names are the same as those of the complete episode',
  );
  t.equal(whole?.session, session, 'and so is the engine');
  t.equal(body.usage.cached_tokens, 4 * 64);
});

t.test('if the engine has lost its items, one response lists all missing frames', async (t) => {
  const { fake, app, address } = await startService(t, {}, { RECENT_FRAMES_BYTES: '0' });
  await readiness(app, 200);
  const step = growingEpisode(address, episode);
  await step(...files.slice(0, 6));
  fake.forget();
  const { body, tries, sent } = await step(files[6] as Buffer);
  t.strictSame([tries, sent], [2, 1 + 7]);
  const whole = await post(address, 7, { prefixes: { last: 1 } });
  t.equal(body.prefixes[0]?.log_prob_true, whole.body.prefixes[0]?.log_prob_true);
});

t.test('other prefixes of remembered frames need no frames again', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const step = growingEpisode(address, episode);
  await step(...files);
  fake.asked.length = 0;
  const every = await step.again({ prefixes: { every: 1 } });
  t.strictSame([every.tries, every.sent, every.body.prefixes.length], [1, 0, 8]);
  t.equal(fake.asked.length, 8, 'no query was repeated');
  const whole = await post(address, 8, { prefixes: { every: 1 } });
  t.strictSame(
    every.body.prefixes.map(({ log_prob_true }) => log_prob_true),
    whole.body.prefixes.map(({ log_prob_true }) => log_prob_true),
  );
});

t.test('items that the engine loses during an episode are sent again from remembered frames', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const step = growingEpisode(address, episode);
  await step(...files);
  let forgot = false;
  fake.behaviour.fault = ({ items }) => {
    if (items.length < 4 && !forgot) {
      forgot = true;
      fake.forget();
    }
    return undefined;
  };
  const every = await step.again({ prefixes: { every: 1 } });
  t.strictSame([every.tries, every.sent], [1, 0]);
  t.strictSame(
    every.body.prefixes.map(({ length }) => length),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  t.ok(forgot);
});

t.test(
  'after a status 500 the service retries with its frames, then requests all frames, then reports engine-failed',
  async (t) => {
    const { fake, app, address } = await startService(t, {}, { RECENT_FRAMES_BYTES: '0' });
    await readiness(app, 200);
    const step = growingEpisode(address, episode);
    await step(...files.slice(0, 4));
    let faults = 1;
    fake.behaviour.fault = (_asked, response) => {
      if (faults === 0) return undefined;
      faults -= 1;
      return refuse(response, 500, 'Internal server error');
    };
    t.equal((await step(files[4] as Buffer)).tries, 1, 'one failure is retried by the service');
    faults = 2;
    t.equal(
      (await step(files[5] as Buffer, files[6] as Buffer)).tries,
      2,
      'after two failures the service requests the frames',
    );
    faults = Number.POSITIVE_INFINITY;
    await t.rejects(step(files[7] as Buffer), /engine-failed/);
  },
);

t.test('an engine that keeps no items still gives exact results, but needs all frames each time', async (t) => {
  const { app, address } = await startService(t, { keepsItems: false });
  await readiness(app, 200);
  const step = growingEpisode(address, episode);
  for (const file of files.slice(0, 4)) t.equal((await step(file)).body.prefixes.length, 1);
});
