import { join } from 'node:path';
import t from 'tap';
import { pytest } from '../python/support.ts';
import { needing } from '../support/needs.ts';
import { ROOT, startServer } from '../support/server.ts';

const needs = needing('examples/python', 'ffmpeg', 'ray');
t.setTimeout(840_000);

t.test('topreward.ray on a Ray cluster', needs, async (t) => {
  const { address } = await startServer(t);
  const python = join(ROOT, '.cache/ray/bin/python');
  await pytest(t, 'tests/ray', { TOPREWARD_URL: address, RAY_PYTHON: python });
});
