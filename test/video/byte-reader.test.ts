import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { byteReader, WINDOW_BYTES } from '../../src/video/byte-reader.ts';

const SIZE = 2 * WINDOW_BYTES + 20;
const CONTENT = Buffer.from(Uint8Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 8)) % 251));

/** Opens a file with this content. `abort` makes every further read fail, so a piece that still comes was held. */
async function openReader(t: Test) {
  const path = join(t.testdir(), 'file');
  writeFileSync(path, CONTENT);
  const file = await open(path);
  t.teardown(() => file.close());
  const stop = new AbortController();
  return { reader: await byteReader(file, stop.signal), abort: () => stop.abort(new Error('no more reads')) };
}

t.test('any piece has the bytes of the file, fewer at its end', async (t) => {
  const { reader } = await openReader(t);
  t.equal(reader.size, SIZE);
  const pieces: [at: number, count: number][] = [
    [0, 24],
    [10, 100],
    [WINDOW_BYTES - 8, 8],
    [WINDOW_BYTES - 8, 24],
    [0, WINDOW_BYTES],
    [5, WINDOW_BYTES],
    [SIZE - 10, 24],
    [SIZE - 10, 10],
    [3, 1],
    [SIZE + 1000, 24],
    [SIZE + 1000, 24],
    [SIZE - 1, 1],
    [SIZE, 24],
    [20, 0],
  ];
  for (const [at, count] of pieces)
    t.ok((await reader.bytes(at, count)).equals(CONTENT.subarray(at, at + count)), `${count} bytes from ${at}`);
});

t.test('a piece is held if the last read contains all of it', async (t) => {
  const { reader, abort } = await openReader(t);
  t.equal(reader.held(0, 24), undefined, 'nothing has been read yet');
  const from = WINDOW_BYTES + 50;
  await reader.bytes(from, 1);
  const pieces: [at: number, count: number, isHeld: boolean][] = [
    [from, 1, true],
    [from + 10, 24, true],
    [SIZE - 10, 24, true],
    [SIZE, 24, true],
    [from - 1, 24, false],
    [0, 24, false],
  ];
  abort();
  for (const [at, count, isHeld] of pieces) {
    const held = reader.held(at, count);
    t.equal(held !== undefined, isHeld, `${count} bytes from ${at}`);
    if (held) t.ok(held.equals(CONTENT.subarray(at, at + count)));
    if (held) t.ok((await reader.bytes(at, count)).equals(held), 'without a further read');
    else await t.rejects(reader.bytes(at, count), { message: 'no more reads' });
  }
});

t.test('one read holds a complete window and no more', async (t) => {
  const { reader, abort } = await openReader(t);
  await reader.bytes(0, 1);
  abort();
  t.ok(reader.held(0, WINDOW_BYTES)?.equals(CONTENT.subarray(0, WINDOW_BYTES)));
  t.equal(reader.held(1, WINDOW_BYTES), undefined);
});
