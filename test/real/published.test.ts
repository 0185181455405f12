import t from 'tap';
import { askOracle, type Case } from '../support/oracle.ts';
import { recorded } from '../support/recorded.ts';
import { comparePublished } from './published.ts';
import { startService, synthetic } from './support.ts';

t.setTimeout(900_000);

const success = await recorded('drawer-open-v3-success');
const failure = await recorded('drawer-open-v3-failure');
const made = async (count: number, fps: number, width = 244, height = 244): Promise<Case> => ({
  name: `${count} frames at ${fps} fps, ${width}×${height}`,
  files: await synthetic(count, 400 + count, width, height),
  fps,
  instruction: 'Put the red block into the blue box.',
  pipeline: 'published',
});
const cases: Case[] = [
  { ...success, name: 'recorded success, published', pipeline: 'published' },
  { ...failure, name: 'recorded failure, published', pipeline: 'published' },
  { ...success, name: 'recorded success, published, chat', pipeline: 'published', prompt: 'chat' },
  ...(await Promise.all([
    made(1, 10),
    made(2, 2),
    made(3, 30),
    made(7, 24, 320, 180),
    made(49, 15, 640, 480),
    made(64, 30),
    made(75, 10),
  ])),
];

t.test(
  'the published pipeline gives the numbers of transformers on the same pixels',
  { timeout: 600_000 },
  async (t) => {
    const oracle = await askOracle(cases);
    const address = await startService(t);
    for (const each of cases) await comparePublished(t, address, each, oracle.get(each.name));
  },
);
