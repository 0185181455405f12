import { join } from 'node:path';
import t from 'tap';
import { pytest } from '../python/support.ts';
import { needing } from '../support/needs.ts';
import { ROOT, startServer } from '../support/server.ts';

const needs = needing('examples/python', 'ffmpeg', 'lerobot');
t.setTimeout(840_000);

t.test('lerobot reads what topreward annotate writes', needs, async (t) => {
  const { address } = await startServer(t);
  const python = join(ROOT, '.cache/lerobot/bin/python');
  await pytest(t, 'tests/lerobot', { TOPREWARD_URL: address, LEROBOT_PYTHON: python });
});
