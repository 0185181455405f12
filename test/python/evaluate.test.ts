import t from 'tap';
import { startGvl, writtenText } from '../support/gvl.ts';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { pytest } from './support.ts';

const needs = needing('examples/python');
t.setTimeout(120_000);

t.test('topreward evaluate', needs, async (t) => {
  const { address } = await startServer(t);
  // An engine that writes texts: a percentage for each of 15 frames, in the order in which they are shown.
  const writing = await startGvl(t, { text: writtenText(Array.from({ length: 15 }, (_, i) => 5 * i)) });
  await pytest(t, 'tests/evaluate', { TOPREWARD_URL: address, TOPREWARD_GVL_URL: writing.address });
});
