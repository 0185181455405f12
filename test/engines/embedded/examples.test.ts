import { readFile, writeFile } from 'node:fs/promises';
import t from 'tap';
import { needing } from '../../support/needs.ts';
import { launch, type Server } from '../../support/server.ts';
import { exampleResponses } from './examples.ts';

const FOLDER = new URL('../../../schemas/examples/', import.meta.url);
/** Set to 1, the test writes the examples instead of comparing them. */
const isWriting = process.env['WRITE_EXAMPLES'] === '1';

// Without ffmpeg, /v1/model says that the service accepts no videos.
const needs = needing('ffmpeg');

t.test(
  'the examples of the contract equal responses of the service (WRITE_EXAMPLES=1 writes them)',
  needs,
  async (t) => {
    const { address } = (await launch(t, {})) as Server;
    for (const [name, response] of Object.entries(await exampleResponses(address))) {
      const file = new URL(`${name}.json`, FOLDER);
      const rounded = JSON.parse(JSON.stringify(response), (_, value) =>
        typeof value === 'number' && !Number.isInteger(value) ? Number(value.toFixed(4)) : value,
      );
      if (isWriting) await writeFile(file, `${JSON.stringify(rounded, null, 2)}\n`);
      alike(t, rounded, JSON.parse(await readFile(file, 'utf8')), name);
    }
  },
);

/** Compares member by member. Numbers may differ slightly, because processors round differently. */
function alike(t: Tap, found: unknown, wanted: unknown, place: string): void {
  if (typeof found === 'number' && typeof wanted === 'number') {
    t.ok(Math.abs(found - wanted) <= 2e-4 * Math.max(1, Math.abs(wanted)), `${place}: ${found}, ${wanted}`);
    return;
  }
  if (found === null || typeof found !== 'object' || wanted === null || typeof wanted !== 'object') {
    t.equal(found, wanted, place);
    return;
  }
  t.strictSame(Object.keys(found), Object.keys(wanted), place);
  for (const [key, value] of Object.entries(found))
    alike(t, value, (wanted as Record<string, unknown>)[key], `${place}/${key}`);
}

type Tap = Pick<typeof t, 'ok' | 'equal' | 'strictSame'>;
