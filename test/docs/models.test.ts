import { readFile } from 'node:fs/promises';
import t from 'tap';
import { ImagesProfile } from '../../src/families/profile.ts';
import { profileNames, readFamily } from '../../src/families/read-family.ts';
import { pageWithTables, recordedMeasures } from '../families/matrix.ts';

const page = await readFile(new URL('../../docs/models.md', import.meta.url), 'utf8');
const measures = await recordedMeasures();

t.test('the table of the models page is that of the last test runs', async (t) => {
  t.equal(page, await pageWithTables(measures));
});

t.test('every verified profile with images was measured, and is as exact and as cheap as the page says', async (t) => {
  for (const name of await profileNames()) {
    const { verified, media } = await readFamily(name);
    const measured = measures[name];
    if (media === 'video') continue;
    t.equal(measured !== undefined, verified, name);
    if (!measured) continue;
    t.strictSame(
      Object.keys(measured.differences).sort(),
      ['answers', 'controls', 'likelihood', 'rewards'],
      `${name}: each method`,
    );
    t.ok(Math.max(...Object.values(measured.differences)) <= 1e-4, `${name}: differences`);
    t.ok(measured.cost.tokens <= 1.5 && measured.cost.time <= 1.5, `${name}: cost`);
  }
});

t.test('the page describes every member of a profile, and no other', async (t) => {
  const { prompt, ...members } = ImagesProfile.properties;
  const names = [...Object.keys(members), ...Object.keys(prompt.properties).map((name) => `prompt.${name}`)];
  const section = page.slice(page.indexOf('## Write a profile'));
  const described = [...section.matchAll(/^\| `(\w+(?:\.\w+)?)` \| /gm)].map(([, name]) => name);
  t.strictSame(described.sort(), names.sort());
});

t.test('what the item cache holds follows from the frames that were kept in 64 MiB', async (t) => {
  const section = page.slice(page.indexOf('## The item cache'), page.indexOf('## Write a profile'));
  for (const [name, kept] of [
    ['Qwen2.5-VL', 176],
    ['InternVL', 27],
    ['SmolVLM2', 12],
  ] as const) {
    const frames = 64 * kept;
    const each = (64 / kept).toFixed(2);
    t.match(section, `| ${name} | ${each} MiB | ${frames.toLocaleString('en')} | ${Math.floor(frames / 120)} |`);
  }
  const gibibytes = (100 * 120 * 64) / 27 / 1024;
  t.ok(gibibytes < 32 && gibibytes > 16, `${gibibytes} GiB for 100 robots with InternVL`);
});

t.test('the GPU memory follows from the sizes of the models', async (t) => {
  const MiB = 1024 * 1024;
  const cards = [23_034, 46_068, 81_559, 143_771].map((memory) => 0.9 * memory * MiB);
  const sizes = {
    'Qwen2.5-VL 3B': { layers: 36, heads: 2, width: 128, tokens: 83 },
    'Qwen2.5-VL 7B': { layers: 28, heads: 4, width: 128, tokens: 83 },
    'InternVL3 8B': { layers: 28, heads: 4, width: 128, tokens: 259 },
    'SmolVLM2 2.2B': { layers: 24, heads: 32, width: 64, tokens: 67 },
  };
  for (const [name, { layers, heads, width, tokens }] of Object.entries(sizes)) {
    const row = page.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? '';
    const [weights = Number.NaN, ...cells] = row
      .split('|')
      .slice(2, -1)
      .map((cell) => Number.parseFloat(cell.replaceAll(',', '')));
    const perToken = 2 * layers * heads * width * 2;
    const episode = 120 * tokens * perToken;
    const fitting = cards.map((memory) => Math.floor((memory - weights * 1e9 - 2.5e9) / episode));
    t.strictSame(cells, [perToken / 1024, 120 * tokens, Math.round(episode / 1e7) / 100, ...fitting], name);
  }
});
