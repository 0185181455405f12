import t from 'tap';
import { growingEpisode } from '../../support/growing.ts';
import { readiness } from '../../support/readiness.ts';
import { frame, post, startService } from './support.ts';

const OTHER = 'Stop.';
const ALL = { static: true, reversed: true, other_instruction: OTHER };

t.test('each control is one pass: its longest prefix brings the frames, the others name the blocks', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const { status, body } = await post(address, 8, { prefixes: { every: 1 }, controls: ALL });
  t.equal(status, 200);
  t.equal(body.usage.engine_requests, 4 * 8);
  t.equal(body.usage.engine_resends, 0);
  t.equal(fake.asked.length, 32);
  for (const plan of [0, 8, 16, 24].map((from) => fake.asked.slice(from, from + 8))) {
    const [longest, ...rest] = plan;
    t.ok(longest?.items.every(({ data }) => data !== null));
    const brought = rest.flatMap(({ items }) => items.filter(({ data }) => data !== null));
    t.equal(brought.length, 4, 'later requests bring the doubled last frames of odd prefixes only');
  }
  const { static: still, reversed, other_instruction: other } = body.controls ?? {};
  const blocks = 64;
  // In the fake a block is 64 tokens, and cached once it was seen after the same blocks. Only the longest prefix and the doubled
  // blocks compute new ones.
  const computed = (4 + 4) * blocks;
  const all = [1, 2, 3, 4, 5, 6, 7, 8].reduce((sum, frames) => sum + Math.ceil(frames / 2), 0) * blocks;
  t.equal(reversed?.cached_tokens, all - computed);
  // The first prefix of the episode is a static video too.
  t.equal(still?.cached_tokens, all - computed + blocks);
  t.equal(other?.cached_tokens, all, 'another instruction has the blocks of the episode');
  t.ok((other?.prompt_tokens ?? 0) > all);
});

t.test('controls equal the videos that they stand for', async (t) => {
  const { app, address } = await startService(t);
  await readiness(app, 200);
  const { body } = await post(address, 5, { prefixes: { every: 2 }, controls: ALL });
  const other = await post(address, 5, { prefixes: { every: 2 }, instruction: OTHER });
  t.strictSame(
    body.controls?.other_instruction?.log_prob_true,
    other.body.prefixes.map(({ log_prob_true }) => log_prob_true),
  );
  const still = growingEpisode(address, { instruction: 'Go.', fps: 2 });
  const first = await frame(0);
  const { body: repeated } = await still(first, first, first, first, first);
  t.equal(body.controls?.static?.log_prob_true.at(-1), repeated.prefixes[0]?.log_prob_true);
});

t.test('in a growing episode the static video finds the first frame in the service or asks for it', async (t) => {
  for (const RECENT_FRAMES_BYTES of ['100000000', '0']) {
    const { app, address } = await startService(t, {}, { RECENT_FRAMES_BYTES });
    await readiness(app, 200);
    const options = { instruction: 'Go.', fps: 2, controls: { static: true } };
    const growing = growingEpisode(address, options);
    for (let count = 1; count <= 4; count += 1) {
      const { body, tries } = await growing(await frame(count - 1));
      const { body: whole } = await post(address, count, { prefixes: { last: 1 }, controls: { static: true } });
      t.strictSame(body.controls?.static?.log_prob_true, whole.controls?.static?.log_prob_true, `${count} frames`);
      if (RECENT_FRAMES_BYTES !== '0') t.equal(tries, 1);
    }
  }
});
