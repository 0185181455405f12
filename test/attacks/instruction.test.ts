import { test } from 'tap';
import { postEpisode } from '../support/server.ts';
import { underAttack } from './support.ts';

test('the service refuses instructions of too many tokens', async (t) => {
  await underAttack(t, {
    bounds: { addedMiB: 100 },
    async attack({ address }) {
      const episode = { instruction: '🤖'.repeat(1_700), prefixes: { every: 1 } };
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, seed) => postEpisode(address, 40, episode, { seed })),
      );
      for (const { status, body } of answers) {
        t.equal(status, 422);
        t.match(body, { code: 'instruction-too-long' });
      }
    },
  });
});

test('the service stays responsive to the longest accepted instructions and episodes', async (t) => {
  await underAttack(t, {
    env: { DEADLINE_S: '20' },
    // One call of the model processes a query of 800 tokens with 6,000 cached tokens before it.
    bounds: { addedMiB: 500 },
    async attack({ address }) {
      const episode = { instruction: 'Open the drawer. '.repeat(200), prefixes: { every: 1 } };
      const answers = await Promise.all(
        Array.from({ length: 4 }, (_, seed) => postEpisode(address, 300, episode, { seed })),
      );
      for (const { status, body } of answers) {
        t.ok(status === 200 || status === 504, `status ${status}`);
        if (status === 504) t.match(body, { code: 'deadline-exceeded' });
      }
    },
  });
});
