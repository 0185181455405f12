import { type Case, environment, type OracleAnswer, runOracle } from '../../support/oracle.ts';

/** Results with exact arithmetic, and of some of the cases also with that of the engine. */
export interface Expected {
  float32: Map<string, OracleAnswer>;
  bfloat16: Map<string, OracleAnswer>;
}

/** Runs hybrid/oracle.py with both kinds of arithmetic. @param exactOnly further cases, for which float32 is enough */
export async function askHybridOracle(cases: Case[], exactOnly: Case[]): Promise<Expected> {
  const run = (dtype: keyof Expected, asked: Case[]) => runOracle('hybrid/oracle.py', asked, ['--dtype', dtype]);
  return { float32: await run('float32', [...cases, ...exactOnly]), bfloat16: await run('bfloat16', cases) };
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
