import { createHash } from 'node:crypto';
import { test } from 'tap';
import { fetch } from 'undici';
import { frameFile } from '../support/images.ts';
import { underAttack } from './support.ts';

test('a batch of episodes of 10,000 named frames, every prefix of each', async (t) => {
  const frame = await frameFile();
  const digest = createHash('sha256').update(frame).digest('hex');
  const other = (index: number, item: number) => createHash('sha256').update(`${item} ${index}`).digest('hex');
  const items = Array.from({ length: 16 }, (_, item) => {
    const frame_digests = Array.from({ length: 10_000 }, (_, index) => (index === 0 ? digest : other(index, item)));
    return {
      episode: { instruction: 'Open the drawer.', fps: 2, frame_digests, prefixes: { every: 1 } },
      frames: [frame.toString('base64')],
    };
  });
  const body = JSON.stringify({ items });
  t.comment(`${body.length} bytes`);
  await underAttack(t, {
    bounds: { addedMiB: 100 },
    async attack({ address }) {
      for (let round = 0; round < 3; round += 1) {
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(`${address}/v1/rewards/batch`, { method: 'POST', headers, body });
        const lines = (await answer.text())
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        const codes = lines.slice(0, -1).map(({ problem }) => problem?.code);
        t.strictSame(
          codes,
          Array(16).fill('context-exceeded'),
          'every episode is refused: it is longer than the context',
        );
      }
    },
  });
});
