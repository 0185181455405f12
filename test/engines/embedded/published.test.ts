import { readFileSync } from 'node:fs';
import t from 'tap';
import { post, recorded } from '../../support/recorded.ts';
import { postEpisode, startServer } from '../../support/server.ts';

const { address, process: service } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0' });
const { files, fps, instruction } = await recorded('drawer-open-v3-success');

async function score(options: object) {
  const { status, body } = await post(address, files, { instruction, fps, pipeline: 'published', ...options });
  t.equal(status, 200);
  return body;
}

t.test('the published frames and times at the model’s own size, and the response says so', async (t) => {
  const { provenance, warnings, prefixes, success } = await score({});
  t.equal(provenance.pipeline, 'published');
  t.match(provenance.frame_size, { sent: { width: 128, height: 128 }, resampling: 'pillow-bicubic' });
  t.equal(provenance.sampled_frame_indices.at(-1), files.length - 1, 'the last frame is shown');
  t.ok(warnings.some(({ code }) => code === 'published-at-model-size'));
  t.ok(warnings.some(({ code }) => code === 'no-shared-pass'));
  t.equal(success, null, 'the model’s threshold is for the aligned pipeline');
  t.ok(new Set(prefixes.map(({ log_prob_true }) => log_prob_true)).size > 5);
});

t.test('a prefix has the same value on its own and among others', async (t) => {
  const lengths = [1, 2, 5, 9, files.length];
  const together = await score({ prefixes: { lengths } });
  for (const [i, length] of lengths.entries()) {
    const { prefixes } = await score({ prefixes: { lengths: [length] } });
    const difference = Math.abs((prefixes[0]?.log_prob_true ?? 0) - (together.prefixes[i]?.log_prob_true ?? 1));
    t.ok(difference < 1e-4, `${length} frames: ${difference}`);
  }
});

t.test('a prefix of many blocks is computed a few at a time', { skip: process.platform !== 'linux' }, async (t) => {
  const peakMiB = () => {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  };
  const before = peakMiB();
  const { status, body } = await postEpisode(address, 4600, { pipeline: 'published', prefixes: { last: 1 } });
  t.equal(status, 200);
  t.ok(body.usage.prompt_tokens > 4000, `${body.usage.prompt_tokens} tokens`);
  // In one call these tokens took 1,500 MiB.
  t.ok(peakMiB() - before < 400, `${peakMiB() - before} MiB`);
});
