import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Layers of the code, the lowest first. A file imports from its own layer and from lower ones. */
const LAYERS = [
  'schemas',
  'src/process',
  'src/problems',
  'src/checking',
  'src/config',
  'src/limits',
  'src/scores',
  'src/episode',
  'src/plan',
  'src/families',
  'src/frames',
  'src/json',
  'src/calibration',
  'src/engine',
  'src/result',
  'src/methods',
  'src/video',
  'src/upload',
  'src/scoring',
  'src/engines',
  'src/http',
  'routes',
];

const files = ['src', 'routes', 'schemas'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name))
    .filter((file) => file.endsWith('.ts') && !file.startsWith('src/frames/wasm/')),
);

/** Files that a file imports, types included. */
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = text.matchAll(/(?:import|export)\b[^'";]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/g);
  return [...found]
    .map(([, from, dynamic]) => posix.join(posix.dirname(file), from ?? dynamic ?? ''))
    .filter((path) => path.endsWith('.ts'));
}

t.test('imports are found', async (t) => {
  t.ok(imports.get('src/app.ts')?.includes('src/http/operations.ts'), 'on one line');
  t.ok(imports.get('src/video/mp4-index.ts')?.includes('src/video/mp4-tables.ts'), 'on several lines');
  t.ok(imports.get('src/methods/method.ts')?.includes('src/plan/plan.ts'), 'types');
});

t.test('no file imports itself in a circle', async (t) => {
  const done = new Set<string>();
  const path: string[] = [];
  const circles: string[] = [];
  function visit(file: string) {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file) || path.includes(file)) return;
    path.push(file);
    for (const next of imports.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  }
  for (const file of files) visit(file);
  t.ok(files.length > 100, `${files.length} files`);
  t.strictSame(circles, []);
});

t.test('no file imports from a higher layer', async (t) => {
  const layerOf = (file: string) => LAYERS.findIndex((layer) => file.startsWith(`${layer}/`));
  const upwards = files.flatMap((file) => {
    const layer = layerOf(file);
    if (layer < 0) return [];
    const higher = (other: string) => layerOf(other) < 0 || layerOf(other) > layer;
    return (imports.get(file) ?? []).filter(higher).map((other) => `${file} imports ${other}`);
  });
  t.strictSame(upwards, []);
});

t.test('every export has an importer', async (t) => {
  const folders = ['src', 'routes', 'schemas', 'test', 'examples', 'docs', 'playground'];
  const sources = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[jt]s$/.test(name) && !name.includes('node_modules'))
      .map((name) => posix.join(folder, name)),
  );
  const imported = new Set<string>();
  // Threads are loaded by their address, and modules that are loaded late count as used.
  const loaded = new Set<string>();
  for (const file of sources) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const from = (path = '') => posix.join(posix.dirname(file), path);
    for (const [, names = '', path] of text.matchAll(/(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from '(\.[^']+)'/g))
      for (const name of names.split(',')) imported.add(`${from(path)} ${nameOf(name)}`);
    // Types in the comments of plain JavaScript.
    for (const [, path, name] of text.matchAll(/import\('(\.[^']+)'\)\.(\w+)/g)) imported.add(`${from(path)} ${name}`);
    for (const [, path] of text.matchAll(/(?:import|new URL)\('(\.[^']+)'(?!\)\.)/g)) loaded.add(from(path));
  }
  const alone = files
    .filter((file) => !loaded.has(file))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const names = text.matchAll(/^export (?:async )?(?:const|function\*?|interface|type|class) (\w+)/gm);
      return [...names].map(([, name]) => `${file} ${name}`).filter((name) => !imported.has(name));
    });
  t.strictSame(alone, [], 'leave out `export`, or remove them');
});

/** The exported name in one entry of an import: `type Name as other` is `Name`. */
function nameOf(entry: string): string {
  return entry
    .trim()
    .replace(/^type /, '')
    .replace(/ as .*/, '');
}
