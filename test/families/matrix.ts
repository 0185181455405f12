import { readFile, writeFile } from 'node:fs/promises';
import type { ProfileFile } from '../../src/families/profile.ts';
import { profileNames } from '../../src/families/read-family.ts';
import { gpuRows, onH100 } from './gpu.ts';
import type { Measured } from './record.ts';

// node test/families/matrix.ts: writes the table of docs/models.md from the profiles and from what the last runs of
// `npm run test:families` measured. Profiles that were not measured keep what is recorded.

const PAGE = new URL('../../docs/models.md', import.meta.url);
const RECORDED = new URL('./measured.json', import.meta.url);
const FRESH = new URL('../../.cache/families/measured/', import.meta.url);

/** Where the figures of pairs are: other tests and benches measure them. */
const ELSEWHERE: { [profile: string]: string[] } = {
  'qwen3-vl': [
    '[Exactness](reference/exactness.md)',
    '64',
    '[Benchmarks](reference/benchmarks.md#an-episode-on-vllm)',
    '[Benchmarks](reference/benchmarks.md#a-step-of-a-growing-episode)',
    '[Serve a model](how-to/serve-a-model.md#choose-a-model-and-a-gpu)',
  ],
  'qwen3.5': ['[see below](#qwen35)', '64', '[see below](#qwen35)', '[see below](#qwen35)', '–'],
};

/** What was measured, by the name of the profile. */
type Measures = { [profile: string]: Measured };

/** What is recorded in the repository. */
export async function recordedMeasures(): Promise<Measures> {
  return JSON.parse(await readFile(RECORDED, 'utf8'));
}

/** The page, with its two tables made again. @throws Error if the page has no place for one */
export async function pageWithTables(measures: Measures): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  return withTable(withTable(page, 'matrix', await rows(measures)), 'gpu', gpuRows());
}

function withTable(page: string, name: string, table: string[]): string {
  const [begin, end] = [`<!-- ${name}: test/families/matrix.ts -->`, `<!-- end of ${name} -->`];
  const [before, rest] = page.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) throw new Error(`${PAGE.pathname} has no place for ${name}.`);
  return `${before}${begin}\n\n${table.join('\n')}\n\n${end}${after}`;
}

async function rows(measures: Measures): Promise<string[]> {
  const names = await profileNames();
  const profiles = await Promise.all(names.map(readProfile));
  const head = [
    '| `MODEL_PROFILE` | Models | A block is | Compared with transformers | Largest difference, nats | Tokens of a block | 15 prefixes of 64 frames, × one pass | Most tokens of a step | Episodes of 60 s on an H100 |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  return [...head, ...profiles.map((profile) => rowOf(profile, measures[profile.name]))];
}

async function readProfile(name: string): Promise<ProfileFile> {
  return JSON.parse(await readFile(new URL(`../../models/profiles/${name}.json`, import.meta.url), 'utf8'));
}

function rowOf({ name, models, frames, verified }: ProfileFile, measured: Measured | undefined): string {
  const block = frames === 'pairs' ? 'a pair of frames' : 'an image of one frame';
  const cells = [`\`${name}\``, models.join('; '), block, verified ?? '**not verified**'];
  if (!measured) return `| ${[...cells, ...(ELSEWHERE[name] ?? Array(5).fill('–'))].join(' | ')} |`;
  const { differences, cost, tokensPerFrame, step } = measured;
  const largest = Math.max(...Object.values(differences)).toExponential(1);
  const times = `${cost.tokens.toFixed(2)} of the tokens, ${cost.time.toFixed(2)} of the time`;
  return `| ${[...cells, largest, tokensPerFrame, times, step, onH100(name) ?? '–'].join(' | ')} |`;
}

async function freshMeasures(): Promise<Measures> {
  const found: Measures = {};
  for (const name of await profileNames()) {
    const text = await readFile(new URL(`${name}.json`, FRESH), 'utf8').catch(() => undefined);
    if (text !== undefined) found[name] = JSON.parse(text);
  }
  return found;
}

if (import.meta.main) {
  const measures = { ...(await recordedMeasures()), ...(await freshMeasures()) };
  await writeFile(RECORDED, `${JSON.stringify(measures, null, 2)}\n`);
  await writeFile(PAGE, await pageWithTables(measures));
}
