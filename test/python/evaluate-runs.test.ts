import t from 'tap';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { pytest } from './support.ts';

const needs = needing('examples/python', 'ffmpeg');
t.setTimeout(400_000);

t.test('longer runs of topreward evaluate', needs, async (t) => {
  const { address } = await startServer(t);
  await pytest(t, 'tests/evaluate_runs', { TOPREWARD_URL: address });
});
