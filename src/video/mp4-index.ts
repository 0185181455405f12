import { ProblemError } from '../problems.ts';
import { type ByteReader, WINDOW_BYTES } from './byte-reader.ts';
import { checkSamples, checkTracks, type IndexLimits } from './index-limits.ts';

/** What an MP4's boxes say of the whole file. */
export interface Mp4Index {
  /** where the last box says that it ends */
  end: number;
  /** for how many samples a program makes room that reads the file */
  samples: number;
}

/** ffmpeg goes no deeper. */
const MAX_DEPTH = 10;

/** Boxes of boxes, those that ffmpeg looks into. */
const CONTAINERS = new Set(
  'moov trak mdia minf stbl edts dinf udta mvex moof traf tref sinf schi wave ilst mfra'.split(' '),
);

/** Tables, and bytes of an entry. */
const TABLES: Record<string, number> = { stts: 8, ctts: 8, stsc: 12, stco: 4, co64: 8, stss: 4, stps: 4 };
const LOOKED_AT = new Set([...Object.keys(TABLES), ...'stsz stz2 elst hdlr trun sidx tfra stsd cmov'.split(' ')]);
/** What must not hide among the descriptions of samples, where ffmpeg would find it. */
const HIDEABLE = /stsz|stz2|stts|ctts|stsc|stco|co64|elst|trun|cmov/;

/** What one track says of itself. */
interface Track {
  /** in its table of sizes */
  sizes: number;
  /** bytes of every sample; 0 where each has its own */
  sampleBytes: number;
  /** in its table of durations */
  durations: number;
  /** length of each sample in ticks, one for each table that has one length for all */
  ticks: (number | undefined)[];
  handlers: string[];
  chunks: number;
  /** most samples in one chunk */
  perChunk: number;
  /** edits that show something: each may take the whole track once more */
  edits: number;
}

interface Box {
  type: string;
  /** of its content */
  from: number;
  to: number;
}

/**
 * Walks the boxes of an MP4 and adds up what its tables claim. Format: ISO 14496-12.
 * @throws ProblemError video-too-large, video-damaged where tables claim what the file cannot hold, video-unsupported
 */
export async function readMp4Index(reader: ByteReader, limits: IndexLimits): Promise<Mp4Index> {
  const tracks: Track[] = [];
  let boxes = 0;
  let inFragments = 0;
  let fragments = 0;

  async function walk(from: number, to: number, depth: number): Promise<number> {
    if (depth > MAX_DEPTH) throw damaged('Its boxes are nested too deeply.', limits);
    let at = from;
    while (at < to) {
      boxes += 1;
      if (boxes > limits.boxes) throw tooManyBoxes(limits);
      const head = reader.held(at, 24) ?? (await reader.bytes(at, 24));
      if (head.length < 8) return at + 8;
      const short = head.readUInt32BE(0);
      if (short === 1 && head.length < 16) return at + 16;
      const header = short === 1 ? 16 : 8;
      const length = short === 0 ? to - at : short === 1 ? Number(head.readBigUInt64BE(8)) : short;
      const end = at + Math.max(8, length);
      // Cut off: nothing in it can be told from what is lost.
      if (depth === 0 && end > reader.size) return end;
      const type = head.toString('latin1', 4, 8);
      const box = { type, from: at + header, to: Math.min(end, to, reader.size) };
      const inside = insideOf(type, head.toString('latin1', header + 4, header + 8));
      if (type === 'trak') tracks.push(newTrack());
      if (type === 'moof') fragments += 1;
      if (inside !== undefined) await walk(box.from + inside, box.to, depth + 1);
      else if (LOOKED_AT.has(type)) await look(box);
      checkTracks(tracks.length, limits);
      at = end;
    }
    return at;
  }

  async function look(box: Box): Promise<void> {
    const { type, from } = box;
    if (type === 'sidx') fragments += await sidxEntries(reader, box);
    else if (type === 'tfra') fragments += await entriesAt(reader, box, from + 12, 11, limits);
    else if (type === 'trun') inFragments += await trunSamples(reader, box, limits);
    else if (type === 'stsd') await checkHidden(reader, box, limits);
    else if (type === 'cmov') throw unsupported('The index of the file is compressed.', limits);
    else await readTrackBox(reader, box, tracks.at(-1) ?? newTrack(), limits);
  }

  const end = await walk(0, reader.size, 0);
  const indexed = tracks.map((track) => indexedSamples(track, reader.size, limits));
  // A program notes each fragment for each track.
  const samples = indexed.reduce((sum, each) => sum + each, 0) + inFragments + fragments * tracks.length;
  checkSamples(samples, limits);
  if (inFragments > reader.size) throw cannotHold(inFragments, reader.size, limits);
  return { end, samples };
}

const newTrack = (): Track => ({
  sizes: 0,
  sampleBytes: 0,
  durations: 0,
  ticks: [],
  handlers: [],
  chunks: 0,
  perChunk: 0,
  edits: 0,
});

/** @returns entries that a program's index has for a track; each edit copies its part of them, at most all */
function indexedSamples(track: Track, fileBytes: number, limits: IndexLimits): number {
  const { sizes, sampleBytes, durations, ticks, handlers, chunks, perChunk, edits } = track;
  // Sound with a sample for every tick is indexed by its chunks, in pieces of 1,024 samples.
  const isPlainSound = ticks.length === 1 && ticks[0] === 1 && handlers.length === 1 && handlers[0] === 'soun';
  const samples = isPlainSound ? chunks * Math.ceil(perChunk / 1024) : Math.max(sizes, durations);
  if (!isPlainSound && Math.max(samples, sizes * sampleBytes) > fileBytes) throw cannotHold(samples, fileBytes, limits);
  return samples * Math.max(1, edits);
}

/**
 * Where the boxes in a box begin, from the start of its content; undefined where it holds none.
 * @param first the type of a box that would begin there
 */
function insideOf(type: string, first: string): number | undefined {
  if (CONTAINERS.has(type)) return 0;
  // QuickTime writes it without a version.
  if (type === 'meta') return first === 'hdlr' ? 0 : 4;
  // ffmpeg finds an index there too.
  if ((type === 'free' || type === 'hoov') && (first === 'mvhd' || first === 'cmov')) return 0;
  return undefined;
}

async function readTrackBox(reader: ByteReader, box: Box, track: Track, limits: IndexLimits): Promise<void> {
  const { type, from } = box;
  if (type === 'hdlr') track.handlers.push((await reader.bytes(from + 8, 4)).toString('latin1'));
  if (type === 'elst') track.edits += await editsOf(reader, box);
  if (type === 'stsz' || type === 'stz2') {
    const head = await reader.bytes(from, 12);
    if (head.length < 12) return;
    const [field, count] = [head.readUInt32BE(4), head.readUInt32BE(8)];
    const hasOneSize = type === 'stsz' && field > 0;
    const bits = type === 'stsz' ? 32 : Math.max(4, field & 0xff);
    if (!hasOneSize) checkRoom(box, 12, count, bits / 8, limits);
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

/** Edits that show something. ffmpeg passes by those that show nothing only before the first that does. */
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

async function trunSamples(reader: ByteReader, box: Box, limits: IndexLimits): Promise<number> {
  const head = await reader.bytes(box.from, 8);
  if (head.length < 8) return 0;
  const [flags, count] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  // Duration, size, flags and time offset: each sample has its own, or none has.
  const members = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
  checkRoom(box, 8, count, 4 * members, limits);
  return count;
}

async function sidxEntries(reader: ByteReader, { from }: Box): Promise<number> {
  const [version] = await reader.bytes(from, 1);
  const bytes = await reader.bytes(from + (version === 0 ? 22 : 30), 2);
  return bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
}

/** @param at where the number of entries is, the entries right behind it */
async function entriesAt(
  reader: ByteReader,
  box: Box,
  at: number,
  entryBytes: number,
  limits: IndexLimits,
): Promise<number> {
  const bytes = await reader.bytes(at, 4);
  const count = bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
  checkRoom(box, at + 4 - box.from, count, entryBytes, limits);
  return count;
}

/** Descriptions of samples are boxes of many kinds, and ffmpeg reads the boxes in them like any others. */
async function checkHidden(reader: ByteReader, { from, to }: Box, limits: IndexLimits): Promise<void> {
  for (let at = from; at < to; at += WINDOW_BYTES - 3) {
    const bytes = await reader.bytes(at, Math.min(WINDOW_BYTES, to - at));
    if (HIDEABLE.test(bytes.toString('latin1'))) throw damaged('A table lies where none may be.', limits);
  }
}

/** Whole entries of a table, many at a time. */
async function* pieces(reader: ByteReader, from: number, count: number, entryBytes: number): AsyncGenerator<Buffer> {
  const most = WINDOW_BYTES - (WINDOW_BYTES % entryBytes);
  for (let at = 0; at < count; at += most) {
    const piece = await reader.bytes(from + at, Math.min(most, count - at));
    yield piece.subarray(0, piece.length - (piece.length % entryBytes));
  }
}

/** @throws ProblemError video-damaged */
function checkRoom({ type, from, to }: Box, before: number, count: number, entryBytes: number, limits: IndexLimits) {
  const room = Math.max(0, to - from - before);
  if (count * entryBytes <= room) return;
  throw damaged(
    `A table of its index, ${type}, is said to have ${count} entries and has ${room} bytes for them.`,
    limits,
  );
}

function cannotHold(samples: number, fileBytes: number, limits: IndexLimits): ProblemError {
  return damaged(`A track is said to have ${samples} samples, which ${fileBytes} bytes cannot hold.`, limits);
}

function damaged(why: string, { place }: IndexLimits): ProblemError {
  return new ProblemError('video-damaged', `The file is damaged. ${why}`, place);
}

function unsupported(why: string, { place }: IndexLimits): ProblemError {
  return new ProblemError('video-unsupported', `${why} Write the file anew, for example with ffmpeg -c copy.`, place);
}

function tooManyBoxes({ boxes: limit, place }: IndexLimits): ProblemError {
  const detail = `The file has more than ${limit} boxes. Send one in fewer fragments.`;
  return new ProblemError('video-too-large', detail, { ...place, limit });
}
