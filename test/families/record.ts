import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { environment } from '../support/oracle.ts';

/** What a run measured about a profile. Differences are in nats. */
export interface Measured {
  differences: Record<string, number>;
  /** tokens of a text that transformers wrote, too */
  gvl: number;
  tokensPerFrame: number;
  /** 15 prefixes of 64 frames, as a multiple of one pass: tokens computed, and time of the engine requests */
  cost: { tokens: number; time: number };
  /** most tokens that a step of a growing episode of 24 frames computed */
  step: number;
}

const FOLDER = new URL('../../.cache/families/measured/', import.meta.url);

/** Adds what was measured about the served profile. test/families/matrix.ts makes the table of docs/models.md from it. */
export async function record(found: Partial<Measured>): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const file = new URL(`${environment('MODEL_PROFILE')}.json`, FOLDER);
  const before = await readFile(file, 'utf8').then(JSON.parse, () => ({}));
  await writeFile(file, JSON.stringify({ ...before, ...found }, null, 2));
}
