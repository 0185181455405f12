import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Case, environment, type OracleAnswer } from '../../support/oracle.ts';

/** Results with exact arithmetic, and of some of the cases also with that of the engine. */
export interface Expected {
  float32: Map<string, OracleAnswer>;
  bfloat16: Map<string, OracleAnswer>;
}

/** Runs hybrid/oracle.py with both kinds of arithmetic. @param exactOnly further cases, for which float32 is enough */
export async function askHybridOracle(cases: Case[], exactOnly: Case[]): Promise<Expected> {
  const folder = await mkdtemp(join(tmpdir(), 'hybrid-oracle-'));
  try {
    const documents = await Promise.all(
      [...cases, ...exactOnly].map(async ({ files, ...rest }) => {
        await mkdir(join(folder, rest.name));
        const frames = files.map((_, i) => join(rest.name, String(i)));
        await Promise.all(files.map((file, i) => writeFile(join(folder, frames[i] as string), file)));
        return { ...rest, frames };
      }),
    );
    await writeFile(join(folder, 'float32.json'), JSON.stringify(documents));
    await writeFile(join(folder, 'bfloat16.json'), JSON.stringify(documents.slice(0, cases.length)));
    return { float32: await run(folder, 'float32'), bfloat16: await run(folder, 'bfloat16') };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function run(folder: string, dtype: 'float32' | 'bfloat16'): Promise<Map<string, OracleAnswer>> {
  const script = new URL('oracle.py', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(
    environment('VLLM_PYTHON'),
    [script, environment('CHECKPOINT'), join(folder, `${dtype}.json`), '--dtype', dtype],
    { maxBuffer: 1 << 28, env: { ...process.env, HF_HUB_OFFLINE: '1' } },
  );
  return new Map((JSON.parse(stdout) as OracleAnswer[]).map((answer) => [answer.name, answer]));
}

/** Number of tokens in a block of the prefix cache, from the metrics of the engine. */
export async function cacheBlock(): Promise<number> {
  const text = await (await fetch(`${environment('ENGINE_URL')}/metrics`)).text();
  const found = /^vllm:cache_config_info\{.*?[{,]block_size="(\d+)"/m.exec(text)?.[1];
  if (!found) throw new Error('The metrics of the engine lack the block size.');
  return Number(found);
}

/** Root of the mean square of the differences. */
export function rms(values: number[], expected: number[]): number {
  if (values.length === 0 || values.length !== expected.length) return Number.NaN;
  return Math.sqrt(values.reduce((sum, value, i) => sum + (value - (expected[i] as number)) ** 2, 0) / values.length);
}

/** Largest difference; NaN if the lengths differ. */
export function furthest(values: number[], expected: number[]): number {
  if (values.length === 0 || values.length !== expected.length) return Number.NaN;
  return Math.max(...values.map((value, i) => Math.abs(value - (expected[i] as number))));
}
