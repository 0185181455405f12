import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ProblemError } from '../../src/problems/problems.ts';
import { readContainer } from '../../src/video/container.ts';
import { box, type Claims, forgedMp4, fullBox, u32 } from '../support/mp4.ts';

const place = { part: 'video' };

function read(t: Test, content: Buffer, { maxFrames = 10_000, signal = new AbortController().signal } = {}) {
  const path = join(t.testdir(), 'video');
  writeFileSync(path, content);
  return readContainer(path, maxFrames, place, signal);
}

/** @returns the code and limit of the problem, or the index that was read */
async function outcome(t: Test, content: Buffer, options = {}): Promise<unknown> {
  try {
    return await read(t, content, options);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    t.equal(error.place.part, 'video');
    return error.place.limit === undefined ? error.code : [error.code, error.place.limit];
  }
}

const MOST = 5_000_000;
const tooLarge = ['video-too-large', MOST];
const million = 1_000_000;
const claim = fullBox('stsz', u32(1, 8 * million));

t.test('each claim of an MP4 is accepted at its limit and refused beyond it', async (t) => {
  const samplesOf = (samples: number) => ({ container: 'mov', samples });
  const cases: [what: string, claims: Claims, expected: unknown][] = [
    ['one sample', {}, samplesOf(1)],
    ['as many samples as bytes', { samples: 3000, held: 3000 }, samplesOf(3000)],
    ['more samples than the file has bytes', { samples: 8 * million }, 'video-damaged'],
    ['more bytes of samples than the file has', { samples: 3000, sampleBytes: 3, held: 3000 }, 'video-damaged'],
    ['more durations than the file has bytes', { durations: 8 * million }, 'video-damaged'],
    ['five million samples', { samples: MOST / 2, tracks: 2, held: MOST / 2 }, samplesOf(MOST)],
    [
      'more than five million samples in all tracks together',
      { samples: MOST / 2 + 1, tracks: 2, held: MOST },
      tooLarge,
    ],
    ['64 tracks', { tracks: 64 }, samplesOf(64)],
    ['65 tracks', { tracks: 65 }, ['video-too-large', 64]],
    ['edits that each show all samples', { samples: 1000, edits: 5 }, samplesOf(5000)],
    ['edits that show more than five million samples', { samples: 1000, edits: 5001 }, tooLarge],
    ['one hour of PCM sound', { sound: true, samples: 48_000 * 3600, perChunk: 4800 }, samplesOf(5)],
    ['a chunk of PCM sound that is too long', { sound: true, perChunk: 2 ** 32 - 1, samples: 2 }, samplesOf(2 ** 22)],
    ['two such tracks', { sound: true, perChunk: 2 ** 32 - 1, samples: 2, tracks: 2 }, tooLarge],
    ['a fragment', { inFragment: 1000 }, samplesOf(1 + 1000 + 1)],
    ['a fragment of more samples than bytes', { inFragment: 10_000 }, 'video-damaged'],
    ['a fragment of too many samples', { inFragment: 8 * million }, tooLarge],
  ];
  for (const [what, claims, expected] of cases) t.strictSame(await outcome(t, forgedMp4(claims)), expected, what);
});

t.test('fragments that an index lists count for each track', async (t) => {
  const count = Buffer.from([0, 0, 1, 0]);
  const listed = (...words: number[]) => box('sidx', u32(...words), count);
  for (const [sidx, fragments] of [
    [listed(0, 1, 1000, 0, 0), 256],
    [listed(0x01000000, 1, 1000, 0, 0, 0, 0), 256],
    [box('sidx', u32(0)), 0],
  ] as const)
    t.match(await outcome(t, Buffer.concat([forgedMp4({ tracks: 2 }), sidx])), { samples: 2 + 2 * fragments });
});

t.test('tables that claim more entries than they have are refused', async (t) => {
  for (const type of ['stts', 'ctts', 'stsc', 'stco', 'co64', 'stss', 'stps']) {
    const table = (count: number) => forgedMp4({ extra: [fullBox(type, u32(count), Buffer.alloc(120))] });
    t.match(await outcome(t, table(10)), { container: 'mov' }, `${type} of ten entries`);
    t.equal(await outcome(t, table(31)), 'video-damaged', `${type} of 31`);
  }
  const sizes = (type: string, size: number, count: number) =>
    forgedMp4({ extra: [fullBox(type, u32(size, count), Buffer.alloc(40))] });
  t.match(await outcome(t, sizes('stsz', 0, 10)), { samples: 10 });
  t.equal(await outcome(t, sizes('stsz', 0, 11)), 'video-damaged');
  t.match(await outcome(t, sizes('stz2', 4, 80)), { samples: 80 });
  t.equal(await outcome(t, sizes('stz2', 4, 81)), 'video-damaged');
  const run = (count: number) => forgedMp4({ extra: [box('trun', u32(0x300, count), Buffer.alloc(80))] });
  t.match(await outcome(t, run(10)), { samples: 11 });
  t.equal(await outcome(t, run(11)), 'video-damaged');
});

t.test('an index in an unusual place is checked too', async (t) => {
  const whole = forgedMp4({ samples: 8 * million });
  const start = whole.subarray(0, whole.readUInt32BE(0));
  const content = whole.subarray(start.length + 1008 + 8);
  const long = Buffer.concat([u32(1), Buffer.from('moov'), u32(0, content.length + 16), content]);
  const open = Buffer.concat([u32(0), Buffer.from('moov'), content]);
  for (const [what, index] of [
    ['in the usual place', box('moov', content)],
    ['in a box of type free', box('free', content)],
    ['with a 64-bit length', long],
    ['up to the end of the file', open],
    ['a table inside metadata', forgedMp4({ extra: [box('meta', u32(0), fullBox('hdlr'), claim)] })],
    ['a table inside QuickTime metadata', forgedMp4({ extra: [box('meta', fullBox('hdlr'), claim)] })],
  ] as [string, Buffer][])
    await t.rejects(read(t, Buffer.concat([start, index])), { message: /8000000 samples for a track/ }, what);
  await t.rejects(read(t, forgedMp4({ description: [claim] })), {
    message: /A table of its index is in a place where the format does not allow one/,
  });
  const compressed = box('moov', box('cmov', Buffer.alloc(40)));
  t.equal(await outcome(t, Buffer.concat([start, compressed])), 'video-unsupported', 'compressed');
  let nested = box('stbl', claim);
  for (let depth = 0; depth < 12; depth += 1) nested = box('udta', nested);
  await t.rejects(read(t, Buffer.concat([start, box('moov', nested)])), { message: /nested too deeply/ });
});

t.test('a file with too many boxes is refused', async (t) => {
  const own = 20;
  const many = (count: number) => Buffer.concat([forgedMp4(), Buffer.alloc(8 * count, box('free'))]);
  t.match(await outcome(t, many(million - own)), { container: 'mov' });
  t.strictSame(await outcome(t, many(million)), ['video-too-large', million]);
});

t.test('a truncated file is refused', async (t) => {
  const whole = forgedMp4({ samples: 100 });
  for (const length of [17, 30, 500, whole.length - 300, whole.length - 1])
    await t.rejects(read(t, whole.subarray(0, length)), { message: /^The file is cut off/ }, `${length} bytes`);
});

t.test('messages contain numbers of the file only', async (t) => {
  await t.rejects(read(t, forgedMp4({ samples: 8 * million })), {
    message: /^The file is damaged\. Its index claims 8000000 samples for a track, but the file has only \d+ bytes\.$/,
  });
});

t.test('reading stops when the request is aborted', async (t) => {
  await t.rejects(read(t, forgedMp4(), { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' });
});

/** A Matroska element with a length field of eight bytes. If open, the length is unknown. */
function element(id: number, content: Buffer, isOpen = false): Buffer {
  const name = Buffer.from(id.toString(16), 'hex');
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(isOpen ? 2n ** 56n - 1n : BigInt(content.length));
  length[0] = 1;
  return Buffer.concat([name, length, content]);
}

const SEGMENT = 0x18538067;
const head = element(0x1a45dfa3, Buffer.from('4282847765626d', 'hex'));
const entries = (id: string, count: number) => Buffer.alloc((id.length / 2 + 1) * count, Buffer.from(`${id}80`, 'hex'));

t.test('claims of a Matroska file are refused beyond their limits', async (t) => {
  for (const isOpen of [false, true]) {
    const file = (...parts: Buffer[]) => Buffer.concat([head, element(SEGMENT, Buffer.concat(parts), isOpen)]);
    const tracks = (count: number) => element(0x1654ae6b, entries('ae', count), isOpen);
    t.strictSame(await outcome(t, file(tracks(64))), { container: 'matroska', samples: 3 + 64 });
    t.strictSame(await outcome(t, file(tracks(65))), ['video-too-large', 64]);
    t.strictSame(await outcome(t, file(tracks(40), tracks(25))), ['video-too-large', 64], 'in two track lists');
    // With few frames per episode the limit has its smallest value.
    const held = (id: number, entry: string, count: number) =>
      outcome(t, file(element(id, entries(entry, count), isOpen)), { maxFrames: 10 });
    t.match(await held(0x1c53bb6b, 'bb', million - 3), { samples: million });
    t.strictSame(await held(0x1c53bb6b, 'bb', million - 2), ['video-too-large', million], 'cues');
    t.strictSame(await held(0x1254c367, '67c8', million), ['video-too-large', million], 'tags');
    const cluster = element(0x1f43b675, Buffer.concat([Buffer.from('e78100', 'hex'), entries('a3', 100)]), isOpen);
    const live = await outcome(t, file(tracks(2), cluster, cluster, tracks(63)));
    t.strictSame(live, ['video-too-large', 64], 'tracks after clusters');
  }
  const segment = element(SEGMENT, Buffer.alloc(100));
  t.match(await outcome(t, Buffer.concat([head, segment])), { container: 'matroska' });
  t.equal(await outcome(t, Buffer.concat([head, segment]).subarray(0, -1)), 'video-damaged', 'cut off');
});
