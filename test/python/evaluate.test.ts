import t from 'tap';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { pytest } from './support.ts';

const needs = needing('examples/python');
t.setTimeout(120_000);

t.test('topreward evaluate', needs, async (t) => {
  const { address } = await startServer(t);
  await pytest(t, 'tests/evaluate', { TOPREWARD_URL: address });
});
