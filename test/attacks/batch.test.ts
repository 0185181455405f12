import { createHash } from 'node:crypto';
import { test } from 'tap';
import { FormData, fetch } from 'undici';
import { frameFile } from '../support/images.ts';
import { underAttack } from './support.ts';

const ITEMS = 16;
const frame = await frameFile();
const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');

/** An episode of 10,000 frames, with every prefix requested and only one frame sent. */
function episode(item: number) {
  const frame_digests = Array.from({ length: 10_000 }, (_, i) => sha256(i === 0 ? frame : `${item} ${i}`));
  return { instruction: 'Open the drawer.', fps: 2, frame_digests, prefixes: { every: 1 } };
}

/** The problem codes of the lines of a batch. */
async function codes(answer: { text(): Promise<string> }): Promise<(string | undefined)[]> {
  const lines = (await answer.text()).trim().split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line).problem?.code);
}

const REFUSED = Array(ITEMS).fill('context-exceeded');

test('the service stays responsive to a batch of episodes with 10,000 digests and every prefix', async (t) => {
  const frames = [frame.toString('base64')];
  const items = Array.from({ length: ITEMS }, (_, item) => ({ episode: episode(item), frames }));
  const body = JSON.stringify({ items });
  t.comment(`${body.length} bytes`);
  await underAttack(t, {
    bounds: { addedMiB: 100 },
    async attack({ address }) {
      const headers = { 'content-type': 'application/json' };
      for (let round = 0; round < 3; round += 1) {
        const answer = await fetch(`${address}/v1/rewards/batch`, { method: 'POST', headers, body });
        t.strictSame(await codes(answer), REFUSED, 'every episode is longer than the context');
      }
    },
  });
});

test('the service stays responsive to the same batch as a form', async (t) => {
  const items = Array.from({ length: ITEMS }, (_, item) => ({ episode: episode(item), frame_count: 1 }));
  await underAttack(t, {
    bounds: { addedMiB: 100 },
    async attack({ address }) {
      const body = new FormData();
      body.set('batch', JSON.stringify({ items }));
      for (let item = 0; item < ITEMS; item += 1) body.append('frames', new Blob([new Uint8Array(frame)]), 'frame.png');
      const answer = await fetch(`${address}/v1/rewards/batch`, { method: 'POST', body });
      t.strictSame(await codes(answer), REFUSED, 'every episode is longer than the context');
    },
  });
});
