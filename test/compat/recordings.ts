import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Test } from 'tap';
import { noFaults } from '../support/faults.ts';
import { differences } from './compare.ts';

const FOLDER = new URL('recorded/', import.meta.url);

/** Set to 1, the tests write the recordings instead of comparing them. */
const isWriting = process.env['WRITE_COMPAT'] === '1';

/** Which responses were recorded, and how exactly numbers must agree. */
export interface Recording {
  /** file in the folder `recorded`, without its extension */
  name: string;
  /** see `differences` */
  tolerance?: number;
}

/** Compares responses with the recorded ones, or records them. A difference names the response and the member. */
export async function sameAsRecorded(
  t: Test,
  { name, tolerance = 0 }: Recording,
  found: Record<string, unknown>,
): Promise<void> {
  const file = new URL(`${name}.json`, FOLDER);
  if (isWriting) {
    await mkdir(new URL('.', file), { recursive: true });
    await writeFile(file, written(found));
  }
  const expected: Record<string, unknown> = JSON.parse(await readFile(file, 'utf8'));
  // As a caller reads it: JSON has no undefined members.
  const read: Record<string, unknown> = JSON.parse(JSON.stringify(found));
  noFaults(t, differences(read, expected, tolerance), `the responses equal those in ${name}.json`);
}

/**
 * How closely the log probabilities of the bundled model must agree with the recorded ones: see `differences`. Processors
 * with other instructions round differently.
 */
export async function modelTolerance(): Promise<number> {
  const file = new URL('processor.json', FOLDER);
  const processor = await processorDigest();
  if (isWriting) {
    await mkdir(FOLDER, { recursive: true });
    await writeFile(file, `${JSON.stringify(processor)}\n`);
  }
  return JSON.parse(await readFile(file, 'utf8')) === processor ? 1e-6 : 2e-4;
}

/** Digest of the instructions that the processor has. Only Linux lists them. */
async function processorDigest(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const [flags = process.arch] = /^(flags|Features)\s*:.*$/m.exec(text) ?? [];
  return createHash('sha256').update(flags).digest('base64url');
}

/** JSON with one member per line. A list of numbers stays on one line. */
function written(document: unknown): string {
  const text = JSON.stringify(document, null, 1);
  return `${text.replace(/\[\s+-?\d[\d.e+,\s-]*\]/g, (list) => list.replace(/\s+/g, ' '))}\n`;
}
