import { test } from 'tap';
import { fetch } from 'undici';
import type { Problem } from '../../schemas/problem.ts';
import { npyFile } from '../support/images.ts';
import { underAttack } from './support.ts';

/** One pixel for each frame: the smallest upload with this many frames. */
function tinyFrames(count: number): string {
  return npyFile(Buffer.alloc(count * 3, 80), { shape: [count, 1, 1, 3] }).toString('base64');
}

async function post(address: string, path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${address}${path}`, { method: 'POST', headers, body });
  return { status: answer.status, text: await answer.text() };
}

/** 256 tokens of the bundled model in 64 characters. */
const longText = (number: number) =>
  String.fromCodePoint(0x1f600 + (number % 60), 0x1f600 + Math.floor(number / 60)).padEnd(128, '🤖');

test('the service refuses many long texts of answers without work for their tokens', async (t) => {
  const texts = Array.from({ length: 255 }, (_, i) => longText(i));
  const answers = { true_texts: texts.slice(0, 127), false_texts: texts.slice(127) };
  const items = Array.from({ length: 8 }, () => ({
    episode: { instruction: 'Open the drawer.', fps: 2, answers },
    npy: tinyFrames(1),
  }));
  const body = JSON.stringify({ items });
  t.comment(`${body.length} characters`);
  await underAttack(t, {
    bounds: { addedMiB: 100 },
    async attack({ address }) {
      const { text } = await post(address, '/v1/rewards/batch', body);
      const lines = text.trim().split('\n').slice(0, -1);
      t.strictSame(
        lines.map((line) => (JSON.parse(line) as { problem?: Problem }).problem?.code),
        Array(items.length).fill('invalid-answers'),
      );
    },
  });
});

/** Texts of two characters: few first ones, many second ones. */
function pairs(): string[] {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'];
  return letters.slice(0, 16).flatMap((first) => letters.slice(20, 36).map((second) => first + second));
}

test('the service stays responsive to 10,000 prefixes of two frames with the most texts of two tokens', async (t) => {
  const texts = pairs().slice(0, 255);
  const answers = { true_texts: texts.slice(0, 127), false_texts: texts.slice(127) };
  const body = JSON.stringify({
    episode: {
      instruction: 'Open the drawer.',
      fps: 10_000,
      prefixes: { every: 1 },
      answers,
      controls: { static: true, reversed: true, other_instruction: 'Close the drawer.' },
    },
    npy: tinyFrames(10_000),
  });
  t.comment(`${body.length} characters`);
  await underAttack(t, {
    bounds: { addedMiB: 150 },
    async attack({ address }) {
      for (let round = 0; round < 3; round += 1) {
        const { status, text } = await post(address, '/v1/rewards', body);
        t.equal(status, 200, text.slice(0, 500));
      }
    },
  });
});
