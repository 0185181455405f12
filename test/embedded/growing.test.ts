import { createHash } from 'node:crypto';
import t from 'tap';
import { growingEpisode } from '../support/growing.ts';
import { post, recorded } from '../support/recorded.ts';
import { startServer } from './server.ts';

const { files, fps, instruction } = await recorded('drawer-open-v3-success');
const episode = { instruction, fps };

t.test('a recorded episode, frame by frame, has the numbers of the whole; each step computes its own', async (t) => {
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
    // A block is 25 or 26 tokens, the question some 35.
    t.ok(computed <= 64, `${computed} tokens computed of ${body.usage.prompt_tokens}`);
  }
});

t.test('a model that keeps nothing asks for what it needs', async (t) => {
  const { address } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0', RECENT_FRAMES_BYTES: '0' });
  const { body: whole } = await post(address, files.slice(0, 7), { ...episode, prefixes: { last: 1 } });
  const step = growingEpisode(address, episode);
  await step(...files.slice(0, 6));
  const { body, tries, sent } = await step(files[6] as Buffer);
  // At four frames a second frames 0, 2, 4 and 6 are shown.
  t.strictSame([tries, sent], [2, 1 + 4]);
  const difference = (body.prefixes[0]?.log_prob_true as number) - (whole.prefixes[0]?.log_prob_true as number);
  t.ok(Math.abs(difference) <= 1e-4);
});

t.test('what is missing for several prefixes is asked for in one list', async (t) => {
  const { address } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0', RECENT_FRAMES_BYTES: '0' });
  const frame_digests = files.map((file) => createHash('sha256').update(file).digest('hex'));
  const lost = await post(address, files.slice(-2), { ...episode, frame_digests, prefixes: { count: 15 } });
  t.equal(lost.status, 409);
  const { missing } = lost.body as unknown as { missing: string[] };
  // Every second frame is shown; of the last two, which were sent, the first one is.
  const shown = frame_digests.filter((_, frame) => frame % 2 === 0).slice(0, -1);
  t.same([...missing].sort(), shown.sort());
});
