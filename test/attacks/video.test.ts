import { test } from 'tap';
import { FormData, fetch } from 'undici';
import type { Problem } from '../../schemas/problem.ts';
import type { Server } from '../embedded/server.ts';
import { type Claims, forgedMp4, hiddenSizes } from '../support/mp4.ts';
import { underAttack } from './support.ts';

const MILLION = 1_000_000;

/** @returns the codes of the problems, of so many requests at once */
async function post({ address }: Server, video: Buffer, atOnce: number): Promise<string[]> {
  const one = async () => {
    const form = new FormData();
    form.append('episode', JSON.stringify({ instruction: 'Open the drawer.' }));
    form.append('video', new Blob([new Uint8Array(video)]), 'video.mp4');
    const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', body: form });
    return ((await answer.json()) as Problem).code;
  };
  return Promise.all(Array.from({ length: atOnce }, one));
}

test('a video of 10 kB whose index claims 12 × 8 million samples, and its kin', async (t) => {
  const kin: [what: string, claims: Claims, code: string][] = [
    ['twelve tracks', { tracks: 12, samples: 8 * MILLION }, 'video-damaged'],
    ['a hundred tracks', { tracks: 100, samples: 8 * MILLION }, 'video-too-large'],
    ['durations alone', { tracks: 12, durations: 8 * MILLION }, 'video-damaged'],
    ['a fragment', { inFragment: 8 * MILLION }, 'video-too-large'],
    ['edits that show all of it again', { samples: 100_000, held: 100_000, edits: 1000 }, 'video-too-large'],
  ];
  await underAttack(t, {
    // Two videos are looked at at once; none of these starts a program.
    bounds: { addedMiB: 100 },
    async attack(server) {
      for (const [what, claims, code] of kin) {
        const video = forgedMp4(claims);
        t.strictSame(new Set(await post(server, video, 16)), new Set([code]), `${what}: ${video.length} bytes`);
      }
    },
  });
});

test('claims that only the system’s limit stops', async (t) => {
  // ffprobe alone takes 2.3 GB of memory for it.
  const hidden = forgedMp4({ tracks: 12, samples: 100, perChunk: 8 * MILLION, extra: [hiddenSizes(8 * MILLION)] });
  // As many samples as are taken, each of them held: 16 bytes of memory for each byte of file.
  const held = forgedMp4({ samples: 5 * MILLION, held: 5 * MILLION, edits: 1 });
  await underAttack(t, {
    // Two programs at once, each within 128 MiB, 128 bytes a sample and 16 a pixel of the largest frame.
    bounds: { addedMiB: 1100, normalMs: 10_000 },
    async attack(server) {
      for (const [what, video] of [
        ['hidden', hidden],
        ['held', held],
      ] as const) {
        const codes = new Set(await post(server, video, 4));
        t.strictSame(codes, new Set(['video-unsupported']), `${what}: ${video.length} bytes`);
      }
    },
  });
});
