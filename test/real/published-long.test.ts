import t from 'tap';
import { askOracle, type Case } from '../support/oracle.ts';
import { comparePublished } from './published.ts';
import { startService, synthetic } from './support.ts';

t.setTimeout(1_800_000);

// Prefixes so long that the processor shows their frames at 288 and at 256 pixels.
const cases: Case[] = await Promise.all(
  [2960, 4604].map(async (count) => ({
    name: `one prefix of ${count} frames`,
    files: await synthetic(count, 500, 64, 64),
    fps: 24,
    instruction: 'Put the red block into the blue box.',
    pipeline: 'published' as const,
    lengths: [count],
  })),
);

t.test('long prefixes have the frame size of the authors’ first release', { timeout: 1_700_000 }, async (t) => {
  const oracle = await askOracle(cases);
  const address = await startService(t);
  for (const each of cases) await comparePublished(t, address, each, oracle.get(each.name));
});
