import { readFile } from 'node:fs/promises';
import t from 'tap';

const root = new URL('../../', import.meta.url);
const read = (name: string) => readFile(new URL(name, root), 'utf8');

t.test('CONTRIBUTING.md has one line for every script of package.json, and no other', async (t) => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
  const [, table = ''] = (await read('CONTRIBUTING.md')).split('\n## Scripts\n');
  const rows = [...table.matchAll(/^\| `(npm [^`]+)` \| (.+) \|$/gm)];
  const commands = Object.keys(scripts).map((name) =>
    ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`,
  );
  t.strictSame(rows.map(([, command]) => command).sort(), commands.sort());
});
