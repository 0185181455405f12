import { createHash } from 'node:crypto';
import t from 'tap';
import { growingEpisode } from '../../support/growing.ts';
import { post, recorded } from '../../support/recorded.ts';
import { startServer } from '../../support/server.ts';

const { files, fps, instruction } = await recorded('drawer-open-v3-success');
const episode = { instruction, fps };

t.test(
  'an episode that is sent frame by frame has the numbers of the complete one, and each step computes only new tokens',
  async (t) => {
    const { address } = await startServer(t);
    const { address: other } = await startServer(t);
    const whole = await post(other, files, { ...episode, prefixes: { every: 1 } });
    const step = growingEpisode(address, episode);
    for (const [i, file] of files.entries()) {
      const { body, tries } = await step(file);
      t.equal(tries, 1);
      const [grown, expected] = [body.prefixes[0], whole.body.prefixes[i]];
      t.strictSame([grown?.length, grown?.frames_used], [expected?.length, expected?.frames_used]);
      t.ok(Math.abs((grown?.log_prob_true as number) - (expected?.log_prob_true as number)) <= 1e-4, `${i + 1} frames`);
      t.ok(Math.abs((grown?.log_prob_false as number) - (expected?.log_prob_false as number)) <= 1e-4);
      const computed = body.usage.prompt_tokens - (body.usage.cached_tokens as number);
      // A block has 25 or 26 tokens, and the text after the blocks about 35.
      t.ok(computed <= 64, `${computed} tokens computed of ${body.usage.prompt_tokens}`);
    }
  },
);

t.test('without caches the service requests the frames that it needs', async (t) => {
  const { address } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0', RECENT_FRAMES_BYTES: '0' });
  const { body: whole } = await post(address, files.slice(0, 7), { ...episode, prefixes: { last: 1 } });
  const step = growingEpisode(address, episode);
  await step(...files.slice(0, 6));
  const { body, tries, sent } = await step(files[6] as Buffer);
  // At 4 fps frames 0, 2, 4 and 6 are sampled.
  t.strictSame([tries, sent], [2, 1 + 4]);
  const difference = (body.prefixes[0]?.log_prob_true as number) - (whole.prefixes[0]?.log_prob_true as number);
  t.ok(Math.abs(difference) <= 1e-4);
});

t.test('frames that are missing for several prefixes are requested in one list', async (t) => {
  const { address } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0', RECENT_FRAMES_BYTES: '0' });
  const frame_digests = files.map((file) => createHash('sha256').update(file).digest('hex'));
  const lost = await post(address, files.slice(-2), { ...episode, frame_digests, prefixes: { count: 15 } });
  t.equal(lost.status, 409);
  const { missing } = lost.body as unknown as { missing: string[] };
  // Every second frame is sampled. The last sampled frame was sent, so it is not missing.
  const shown = frame_digests.filter((_, frame) => frame % 2 === 0).slice(0, -1);
  t.same([...missing].sort(), shown.sort());
});
