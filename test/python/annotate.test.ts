import t from 'tap';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { pytest } from './support.ts';

const needs = needing('examples/python', 'ffmpeg');
t.setTimeout(600_000);

t.test('topreward annotate', needs, async (t) => {
  const { address } = await startServer(t);
  await pytest(t, 'tests/annotate', { TOPREWARD_URL: address });
});
