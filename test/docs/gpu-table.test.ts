import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from './markdown.ts';

// The formula of docs/how-to/serve-a-model.md.
const TOKENS_PER_SECOND = 74;
const ACTIVATIONS = 2.5e9;
const MEMORY_SHARE = 0.9;
const CONTEXT_TOKENS = 32_768;
const LAYERS: Record<string, number> = { '2B': 28, '4B': 36, '8B': 36, '32B': 64 };
const keysAndValues = (layers: number) => 2 * layers * 8 * 128 * 2;

const cellsOf = (row: string) =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

t.test('the table of models and GPUs follows from its formula', async (t) => {
  const page = readFileSync(join(ROOT, 'docs/how-to/serve-a-model.md'), 'utf8');
  const [head = '', ...rows] = page.split('\n').filter((line) => /^\| (Qwen3-VL|\d+B) \|/.test(line));
  const memory = [...head.matchAll(/([\d,]+) MiB/g)].map(([, mib = '']) => Number(mib.replaceAll(',', '')) * 2 ** 20);
  t.equal(memory.length, 4);
  t.strictSame(
    rows.map((row) => cellsOf(row)[0]),
    Object.keys(LAYERS),
  );
  for (const [model = '', weights = '', ofToken, ofMinute, ...episodes] of rows.map(cellsOf)) {
    const bytes = keysAndValues(LAYERS[model] ?? Number.NaN);
    const minute = 60 * TOKENS_PER_SECOND * bytes;
    t.equal(ofToken, `${bytes / 1024} KiB`, model);
    t.equal(ofMinute, `${(minute / 1e9).toFixed(2)} GB`, model);
    for (const [i, total] of memory.entries()) {
      const free = MEMORY_SHARE * total - Number.parseFloat(weights) * 1e9 - ACTIVATIONS;
      const fits = free >= CONTEXT_TOKENS * bytes;
      if (fits) t.equal(episodes[i], `${Math.floor(free / minute)}`, `${model}, ${total / 2 ** 20} MiB`);
      else t.match(episodes[i], /^(–|two GPUs)$/, `${model}, ${total / 2 ** 20} MiB`);
    }
  }
});
