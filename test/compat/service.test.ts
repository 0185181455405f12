import { createHash } from 'node:crypto';
import t from 'tap';
import { PROBLEMS } from '../../schemas/problem-kinds.ts';
import { stubEngine } from '../support/stub-engine.ts';
import { type Exchange, exchange, responsesTo, serve } from './exchange.ts';
import { sameAsRecorded } from './recordings.ts';
import { BATCH, get, NPY_FILE } from './requests.ts';

// Compares what does not depend on the engine with what the service sent earlier: see compat.test.ts.

const app = await serve(t, stubEngine(), ['robots']);

/** A text is recorded as its digest. */
const digestOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64url');

t.test('the metrics equal the recorded ones in names, types and labels', async (t) => {
  await responsesTo(app, 'robots', { ...NPY_FILE, ...BATCH });
  const { body, ...metrics } = await exchange(app, get('/metrics'));
  await sameAsRecorded(t, { name: 'service/metrics' }, { ...metrics, families: familiesOf(String(body)) });
});

/** Type and labels of each metric, by name. Metrics of the process differ between systems, so only those of the service count. */
function familiesOf(text: string): Record<string, { type: string; labels: string[] }> {
  const families = [...text.matchAll(/^# TYPE (topreward_\S+) (\S+)$/gm)];
  return Object.fromEntries(
    families.map(([, name = '', type = '']) => {
      const samples = text.split('\n').filter((line) => line.startsWith(name));
      const labels = samples.flatMap((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, label = '']) => label));
      return [name, { type, labels: [...new Set(labels)].sort() }];
    }),
  );
}

t.test('the contract equals the recorded one', async (t) => {
  const { body, ...contract } = await exchange(app, get('/openapi.json'));
  const { paths, components, info, ...rest } = body as Contract;
  const { version: _, ...about } = info;
  await sameAsRecorded(
    t,
    { name: 'service/contract' },
    { ...contract, info: about, ...rest, paths: digested(paths), components: digested(components) },
  );
});

type Groups = Record<string, Record<string, unknown>>;

interface Contract {
  /** operations by path and method */
  paths: Groups;
  /** schemas and other objects by kind and name */
  components: Groups;
  info: { version: string };
}

/** Replaces each operation or schema by its digest. */
function digested(groups: Groups): Groups {
  const entries = Object.entries(groups).map(([name, group]) => [
    name,
    Object.fromEntries(Object.entries(group).map(([member, value]) => [member, digestOf(value)])),
  ]);
  return Object.fromEntries(entries);
}

const PAGES = [
  ...['/', '/playground/app.js', '/playground/icon.svg', '/playground/episodes.json', '/playground/missing.js'],
  ...['/docs', '/docs/', '/docs/reference.js', '/docs/scalar.js', '/docs/json', '/docs/yaml', '/problems/'],
];

t.test('the pages equal the recorded ones in status and headers', async (t) => {
  const found: Record<string, object> = {};
  for (const page of PAGES) {
    const { body: _, ...head } = await exchange(app, get(page));
    found[page] = head;
  }
  await sameAsRecorded(t, { name: 'service/pages' }, found);
});

t.test('the pages about problems equal the recorded ones', async (t) => {
  const found: Record<string, Exchange> = {};
  const shown = ['/problems', '/problems/missing-clock', '/problems/no-such-problem'];
  for (const page of shown) found[page] = await exchange(app, get(page));
  for (const code of Object.keys(PROBLEMS)) {
    const { body, ...head } = await exchange(app, get(`/problems/${code}`));
    found[code] = { ...head, body: digestOf(body) };
  }
  await sameAsRecorded(t, { name: 'service/problem-pages' }, found);
});
