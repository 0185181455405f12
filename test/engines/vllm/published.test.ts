import t from 'tap';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

/** Width and height in the head of the first frame of an item, from its AVI. */
function sizeOf(data: string | null): [number, number] {
  const avi = Buffer.from(String(data).split(',')[1] ?? '', 'base64');
  const head = avi.indexOf('strf') + 8;
  return [avi.readInt32LE(head + 4), Math.abs(avi.readInt32LE(head + 8))];
}

t.test(
  'every prefix is sent with all its own blocks, at its size, and shares names only with equal blocks',
  async (t) => {
    const { fake, app, address } = await startService(t);
    await readiness(app, 200);
    const { status, body } = await post(address, 60, { pipeline: 'published', prefixes: { lengths: [4, 30, 60] } });
    t.equal(status, 200);
    t.equal(fake.asked.length, 3);
    t.strictSame(fake.asked.map(({ items }) => items.length).sort(), [2, 2, 3]);
    for (const { items } of fake.asked) {
      t.ok(items.every(({ data }) => data !== null));
      t.strictSame([...new Set(items.map(({ data }) => sizeOf(data).join()))], ['320,320']);
    }
    t.equal(body.usage.engine_requests, 3);
    t.equal(body.provenance.pipeline, 'published');
  },
);

t.test('an equal block has one name in all prefixes, and another in the aligned pipeline', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  // Prefixes of 3 and of 4 frames show the same first two frames at the same time.
  await post(address, 4, { pipeline: 'published', prefixes: { lengths: [3, 4] } });
  const [one, other] = fake.asked.map(({ items }) => items[0]?.uuid);
  t.equal(one, other);
  fake.asked.length = 0;
  await post(address, 4, { fps: 24, frame_size: 'native', prefixes: { last: 1 } });
  t.not(fake.asked[0]?.items[0]?.uuid, one);
});

t.test('a prefix has the same value on its own and among others', async (t) => {
  const { app, address } = await startService(t);
  await readiness(app, 200);
  const together = await post(address, 12, { pipeline: 'published', prefixes: { every: 1 } });
  for (const length of [1, 4, 7, 12]) {
    const alone = await post(address, 12, { pipeline: 'published', prefixes: { lengths: [length] } });
    const [{ log_prob_true } = { log_prob_true: Number.NaN }] = alone.body.prefixes;
    t.equal(log_prob_true, together.body.prefixes[length - 1]?.log_prob_true, `${length} frames`);
  }
});
