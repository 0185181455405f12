import { readFile, rm } from 'node:fs/promises';
import type { Test } from 'tap';
import { script } from './support.ts';

/** The API key of the fuzzer. */
export const KEY = 'a-key-for-the-fuzzer-alone';
const OUTCOMES = new URL('../../.cache/clients/fuzz/outcomes.json', import.meta.url);

/** Sends generated requests. @returns how many valid ones had each outcome, by operation and type of the body */
export async function fuzz(t: Test, address: string, methods: string[], options: string[] = []) {
  await rm(OUTCOMES, { force: true });
  const { code, out } = await script('fuzz/run.sh', [address, KEY, methods.join(), ...options]);
  t.equal(code, 0, out);
  t.comment(/^Test cases:\n.*$/m.exec(out)?.[0].replaceAll(/\s+/g, ' '));
  const outcomes: Record<string, number> = JSON.parse(await readFile(OUTCOMES, 'utf8'));
  for (const operation of ['scoreEpisode', 'scoreBatch']) {
    for (const type of ['application/json', 'multipart/form-data']) {
      for (const method of methods) {
        const scored = outcomes[`${operation} ${type} ${method}`] ?? 0;
        t.ok(scored >= 10, `${operation}, ${type}: ${scored} episodes were scored with ${method}`);
      }
    }
  }
  return outcomes;
}
