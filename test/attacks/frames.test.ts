import { test } from 'tap';
import { fetch } from 'undici';
import type { Problem } from '../../schemas/problem.ts';
import { frameFile, npyFile, thinPng } from '../support/images.ts';
import type { Server } from '../support/server.ts';
import { underAttack } from './support.ts';

const columnNpy = (height: number) => npyFile(Buffer.alloc(height * 3), { shape: [1, height, 1, 3] });

async function send(address: string, part: 'frames' | 'npy', file: Buffer): Promise<{ status: number; body: Problem }> {
  const form = new FormData();
  form.append('episode', JSON.stringify({ instruction: 'Open the drawer.', fps: 2 }));
  form.append(part, new Blob([Uint8Array.from(file)]), 'file');
  const answer = await globalThis.fetch(`${address}/v1/rewards`, { method: 'POST', body: form });
  return { status: answer.status, body: (await answer.json()) as Problem };
}

async function sendJson(address: string, file: Buffer): Promise<{ status: number; body: Problem }> {
  const episode = { instruction: 'Open the drawer.', fps: 2 };
  const body = JSON.stringify({ episode, frames: [file.toString('base64')] });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', headers, body });
  return { status: answer.status, body: (await answer.json()) as Problem };
}

test('the service refuses images of one column and millions of rows', async (t) => {
  const files = [2_000_000, 10_000_000].map(thinPng);
  const arrays = [2_000_000, 10_000_000].map(columnNpy);
  t.comment(`PNG of ${files.map(({ length }) => length).join(' and ')} bytes`);
  await underAttack(t, {
    bounds: { addedMiB: 150 },
    async attack({ address }: Server) {
      for (let round = 0; round < 3; round += 1) {
        const answers = await Promise.all([
          ...files.map((file) => send(address, 'frames', file)),
          ...files.map((file) => sendJson(address, file)),
        ]);
        for (const array of arrays) answers.push(await send(address, 'npy', array));
        for (const { status, body } of answers) {
          t.match({ status, body }, { status: 422, body: { code: 'image-too-large', limit: 8192 } });
        }
      }
    },
  });
});

test('the service scores many of the largest accepted thin images at once', async (t) => {
  const [high, wide] = [thinPng(8192), await frameFile('png', { width: 8192, height: 1 })];
  await underAttack(t, {
    bounds: { addedMiB: 200 },
    async attack({ address }: Server) {
      for (let round = 0; round < 3; round += 1) {
        const files = Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? high : wide));
        for (const { status } of await Promise.all(files.map((file) => send(address, 'frames', file))))
          t.equal(status, 200);
      }
    },
  });
});
