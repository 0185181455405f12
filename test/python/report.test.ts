import t from 'tap';
import { needing } from '../support/needs.ts';
import { pytest } from './support.ts';

t.setTimeout(120_000);

t.test('the report of topreward evaluate', needing('examples/python'), async (t) => {
  await pytest(t, 'tests/report', {});
});
