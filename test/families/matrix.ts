import { readFile, writeFile } from 'node:fs/promises';
import type { ProfileFile } from '../../src/families/profile.ts';
import { profileNames } from '../../src/families/read-family.ts';
import type { Measured } from './record.ts';

// node test/families/matrix.ts: writes the table of docs/models.md from the profiles and from what the last runs of
// `npm run test:families` measured. Profiles that were not measured keep what is recorded.

const PAGE = new URL('../../docs/models.md', import.meta.url);
const RECORDED = new URL('./measured.json', import.meta.url);
const FRESH = new URL('../../.cache/families/measured/', import.meta.url);
const [BEGIN, END] = ['<!-- matrix: test/families/matrix.ts -->', '<!-- end of the matrix -->'];

/** Where the figures of pairs are: other tests and benches measure them. */
const ELSEWHERE: { [profile: string]: string[] } = {
  'qwen3-vl': [
    '[Exactness](reference/exactness.md)',
    '64',
    '[Benchmarks](reference/benchmarks.md#an-episode-on-vllm)',
    '[Benchmarks](reference/benchmarks.md#a-step-of-a-growing-episode)',
  ],
  'qwen3.5': ['[see below](#qwen35)', '64', '[see below](#qwen35)', '[see below](#qwen35)'],
};

/** What was measured, by the name of the profile. */
type Measures = { [profile: string]: Measured };

/** What is recorded in the repository. */
export async function recordedMeasures(): Promise<Measures> {
  return JSON.parse(await readFile(RECORDED, 'utf8'));
}

/** The page, with the table made again. @throws Error if the page has no place for it */
export async function pageWithMatrix(measures: Measures): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (before === undefined || after === undefined) throw new Error(`${PAGE.pathname} has no place for the matrix.`);
  return `${before}${BEGIN}\n\n${(await rows(measures)).join('\n')}\n\n${END}${after}`;
}

async function rows(measures: Measures): Promise<string[]> {
  const names = await profileNames();
  const profiles = await Promise.all(names.map(readProfile));
  const head = [
    '| `MODEL_PROFILE` | Models | A block is | Compared with transformers | Largest difference, nats | Tokens of a block | 15 prefixes of 64 frames, × one pass | Most tokens of a step |',
    '|---|---|---|---|---|---|---|---|',
  ];
  return [...head, ...profiles.map((profile) => rowOf(profile, measures[profile.name]))];
}

async function readProfile(name: string): Promise<ProfileFile> {
  return JSON.parse(await readFile(new URL(`../../models/profiles/${name}.json`, import.meta.url), 'utf8'));
}

function rowOf({ name, models, frames, verified }: ProfileFile, measured: Measured | undefined): string {
  const block = frames === 'pairs' ? 'a pair of frames' : 'an image of one frame';
  const cells = [`\`${name}\``, models.join('; '), block, verified ?? '**not verified**'];
  if (!measured) return `| ${[...cells, ...(ELSEWHERE[name] ?? ['–', '–', '–', '–'])].join(' | ')} |`;
  const { differences, cost, tokensPerFrame, step } = measured;
  const largest = Math.max(...Object.values(differences)).toExponential(1);
  const times = `${cost.tokens.toFixed(2)} of the tokens, ${cost.time.toFixed(2)} of the time`;
  return `| ${[...cells, largest, tokensPerFrame, times, step].join(' | ')} |`;
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
  await writeFile(PAGE, await pageWithMatrix(measures));
}
