import { test } from 'tap';
import { FormData, fetch } from 'undici';
import type { Problem } from '../../schemas/problem.ts';
import { type Claims, forgedMp4, hiddenSizes } from '../support/mp4.ts';
import type { Server } from '../support/server.ts';
import { underAttack } from './support.ts';

const MILLION = 1_000_000;

/** Sends `atOnce` requests at the same time. @returns the codes of their problems */
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

test('the service refuses small videos whose index claims many millions of samples', async (t) => {
  const kin: [what: string, claims: Claims, code: string][] = [
    ['twelve tracks', { tracks: 12, samples: 8 * MILLION }, 'video-damaged'],
    ['a hundred tracks', { tracks: 100, samples: 8 * MILLION }, 'video-too-large'],
    ['only durations', { tracks: 12, durations: 8 * MILLION }, 'video-damaged'],
    ['a fragment', { inFragment: 8 * MILLION }, 'video-too-large'],
    ['edits that repeat all samples', { samples: 100_000, held: 100_000, edits: 1000 }, 'video-too-large'],
  ];
  await underAttack(t, {
    // Two videos are checked at once. None of these starts a program.
    bounds: { addedMiB: 100 },
    async attack(server) {
      for (const [what, claims, code] of kin) {
        const video = forgedMp4(claims);
        t.strictSame(new Set(await post(server, video, 16)), new Set([code]), `${what}: ${video.length} bytes`);
      }
    },
  });
});

test('the memory limit of the system stops claims that the index check does not find', async (t) => {
  // Without a limit, ffprobe needs 2.3 GB of memory for it.
  const hidden = forgedMp4({ tracks: 12, samples: 100, perChunk: 8 * MILLION, extra: [hiddenSizes(8 * MILLION)] });
  // The maximum number of samples, each of them in the file: 16 bytes of memory for each byte of the file.
  const held = forgedMp4({ samples: 5 * MILLION, held: 5 * MILLION, edits: 1 });
  await underAttack(t, {
    // Two programs at once, each limited to 128 MiB, plus 128 bytes per sample and 16 bytes per pixel of the largest frame.
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
