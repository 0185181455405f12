import { test } from 'tap';
import { multipart, post } from '../bench/support.ts';
import { syntheticEpisode } from '../bench/synthetic.ts';
import type { Server } from '../support/server.ts';
import { underAttack } from './support.ts';

const UPLOADS = 64;
const FRAMES = 64;

test('the service scores 64 uploads of 64 JPEG frames of 640×480 at once', async (t) => {
  const frames = await syntheticEpisode(1, FRAMES, { width: 640, height: 480 }, 'jpeg');
  const body = multipart({ instruction: 'Open the drawer.', fps: 10 }, frames, 'image/jpeg');
  await underAttack(t, {
    env: { DEADLINE_S: '600' },
    // The total is then 420 MiB: 0.65 × the memory of version 0.1.0.
    bounds: { addedMiB: 260 },
    async attack({ address }: Server) {
      const answers = await Promise.all(Array.from({ length: UPLOADS }, () => post(`${address}/v1/rewards`, body)));
      t.equal(answers.length, UPLOADS, 'all uploads are scored');
    },
  });
});
