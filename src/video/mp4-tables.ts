import { type ByteReader, WINDOW_BYTES } from './byte-reader.ts';
import { damagedIndex, type IndexLimits } from './index-limits.ts';

/** Tables by type, with the bytes of one entry. */
const TABLES: Record<string, number> = { stts: 8, ctts: 8, stsc: 12, stco: 4, co64: 8, stss: 4, stps: 4 };
/** Boxes that claim samples, or that are needed to interpret such a claim. */
export const COUNTED = new Set([...Object.keys(TABLES), ...'stsz stz2 elst hdlr trun sidx tfra stsd cmov'.split(' ')]);
/** Box types that must not occur inside sample descriptions, where ffmpeg would read them. */
const HIDEABLE = /stsz|stz2|stts|ctts|stsc|stco|co64|elst|trun|cmov/;

/** A box of an MP4. */
export interface Box {
  type: string;
  /** byte offset of its content in the file */
  from: number;
  /** byte offset of its end */
  to: number;
}

/** What the boxes of one track claim. */
export interface Track {
  /** samples in its table of sizes */
  sizes: number;
  /** bytes of every sample; 0 if each sample has its own size */
  sampleBytes: number;
  /** samples in its table of durations */
  durations: number;
  /** for each table of durations: the common length of all samples in ticks; undefined if lengths differ */
  ticks: (number | undefined)[];
  handlers: string[];
  chunks: number;
  /** most samples in one chunk */
  perChunk: number;
  /** edits that are not empty: each may copy the index of the complete track */
  edits: number;
}

/** Makes a track without any claims. */
export const newTrack = (): Track => ({
  sizes: 0,
  sampleBytes: 0,
  durations: 0,
  ticks: [],
  handlers: [],
  chunks: 0,
  perChunk: 0,
  edits: 0,
});

/**
 * Reads a box and adds its claims to its track.
 * @throws ProblemError video-damaged, for a table that is longer than its box
 */
export async function readTrackBox(reader: ByteReader, box: Box, track: Track, limits: IndexLimits): Promise<void> {
  const { type, from } = box;
  if (type === 'hdlr') track.handlers.push((await reader.bytes(from + 8, 4)).toString('latin1'));
  if (type === 'elst') track.edits += await editsOf(reader, box);
  if (type === 'stsz' || type === 'stz2') {
    const head = await reader.bytes(from, 12);
    if (head.length < 12) return;
    const [field, count] = [head.readUInt32BE(4), head.readUInt32BE(8)];
    const hasOneSize = type === 'stsz' && field > 0;
    const bits = type === 'stsz' ? 32 : Math.max(4, field & 0xff);
    if (!hasOneSize) checkSpace(box, 12, count, bits / 8, limits);
    track.sizes = Math.max(track.sizes, count);
    if (hasOneSize) track.sampleBytes = Math.max(track.sampleBytes, field);
  }
  const entryBytes = TABLES[type];
  if (entryBytes === undefined) return;
  const count = await entriesAt(reader, box, from + 4, entryBytes, limits);
  if (type === 'stco' || type === 'co64') track.chunks = Math.max(track.chunks, count);
  if (type !== 'stts' && type !== 'stsc') return;
  let ticks: number | undefined;
  for await (const piece of pieces(reader, from + 8, count * entryBytes, entryBytes)) {
    for (let at = 0; at < piece.length; at += entryBytes) {
      if (type === 'stts') track.durations += piece.readUInt32BE(at);
      else track.perChunk = Math.max(track.perChunk, piece.readUInt32BE(at + 4));
    }
    if (type === 'stts' && count === 1) ticks = piece.readUInt32BE(4);
  }
  if (type === 'stts') track.ticks.push(ticks);
}

/** Counts edits that are not empty. ffmpeg skips empty edits only before the first edit that is not empty. */
async function editsOf(reader: ByteReader, { from, to }: Box): Promise<number> {
  const [version] = await reader.bytes(from, 1);
  const entryBytes = version === 1 ? 20 : 12;
  const count = Math.max(0, Math.floor((to - from - 8) / entryBytes));
  let shown = 0;
  for await (const piece of pieces(reader, from + 8, count * entryBytes, entryBytes)) {
    for (let at = 0; at < piece.length; at += entryBytes) {
      const isEmpty = piece.readInt32BE(at + (version === 1 ? 8 : 4)) === -1;
      if (!isEmpty || shown > 0) shown += 1;
    }
  }
  return shown;
}

/** Counts the samples of a run in a fragment. @throws ProblemError video-damaged */
export async function trunSamples(reader: ByteReader, box: Box, limits: IndexLimits): Promise<number> {
  const head = await reader.bytes(box.from, 8);
  if (head.length < 8) return 0;
  const [flags, count] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  // Duration, size, flags and time offset: either every sample has its own, or no sample does.
  const members = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
  checkSpace(box, 8, count, 4 * members, limits);
  return count;
}

/** Counts the fragments that a `sidx` box lists. */
export async function sidxEntries(reader: ByteReader, { from }: Box): Promise<number> {
  const [version] = await reader.bytes(from, 1);
  const bytes = await reader.bytes(from + (version === 0 ? 22 : 30), 2);
  return bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
}

/**
 * Reads the number of entries of a table.
 * @param at byte offset of the number; the entries follow directly
 * @throws ProblemError video-damaged, if the box is too short for them
 */
export async function entriesAt(
  reader: ByteReader,
  box: Box,
  at: number,
  entryBytes: number,
  limits: IndexLimits,
): Promise<number> {
  const bytes = await reader.bytes(at, 4);
  const count = bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
  checkSpace(box, at + 4 - box.from, count, entryBytes, limits);
  return count;
}

/**
 * Checks that sample descriptions contain no tables. They are boxes of many kinds, and ffmpeg reads the boxes inside
 * them like any others.
 * @throws ProblemError video-damaged
 */
export async function checkHidden(reader: ByteReader, { from, to }: Box, limits: IndexLimits): Promise<void> {
  for (let at = from; at < to; at += WINDOW_BYTES - 3) {
    const bytes = await reader.bytes(at, Math.min(WINDOW_BYTES, to - at));
    if (HIDEABLE.test(bytes.toString('latin1')))
      throw damagedIndex('A table of its index is in a place where the format does not allow one.', limits);
  }
}

/** Reads complete entries of a table, many at a time. */
async function* pieces(reader: ByteReader, from: number, count: number, entryBytes: number): AsyncGenerator<Buffer> {
  const most = WINDOW_BYTES - (WINDOW_BYTES % entryBytes);
  for (let at = 0; at < count; at += most) {
    const piece = await reader.bytes(from + at, Math.min(most, count - at));
    yield piece.subarray(0, piece.length - (piece.length % entryBytes));
  }
}

/** @throws ProblemError video-damaged */
function checkSpace({ type, from, to }: Box, before: number, count: number, entryBytes: number, limits: IndexLimits) {
  const space = Math.max(0, to - from - before);
  if (count * entryBytes <= space) return;
  throw damagedIndex(
    `The table ${type} of its index claims ${count} entries, but has only ${space} bytes for them.`,
    limits,
  );
}
