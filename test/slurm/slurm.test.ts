import t from 'tap';
import { pytest } from '../python/support.ts';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';

const needs = needing('examples/python', 'ffmpeg', 'slurm');
t.setTimeout(600_000);

t.test('an array of a real SLURM labels a dataset', needs, async (t) => {
  const { address } = await startServer(t);
  await pytest(t, 'tests/slurm', { TOPREWARD_URL: address });
});
