import { ProblemError } from '../problems/problems.ts';
import type { ByteReader } from './byte-reader.ts';
import { checkSamples, checkTracks, damagedIndex, type IndexLimits } from './index-limits.ts';
import {
  type Box,
  COUNTED,
  checkHidden,
  entriesAt,
  newTrack,
  readTrackBox,
  sidxEntries,
  type Track,
  trunSamples,
} from './mp4-tables.ts';

/** What the boxes of an MP4 say about the complete file. */
interface Mp4Index {
  /** end of the last box according to its length, as a byte offset */
  end: number;
  /** for how many samples a program that reads the file allocates memory */
  samples: number;
}

/** Handlers that make ffmpeg treat a track as video or text, not as sound. */
const PICTURES_OR_TEXT = ['vide', 'subp', 'clcp'];
/** ffmpeg reads no deeper levels. */
const MAX_DEPTH = 10;

/** Boxes that contain boxes and that ffmpeg reads. */
const CONTAINERS = new Set(
  'moov trak mdia minf stbl edts dinf udta mvex moof traf tref sinf schi wave ilst mfra'.split(' '),
);

/**
 * Walks the boxes of an MP4 and adds up the samples that its tables claim. Format: ISO 14496-12.
 * @throws ProblemError video-too-large; video-damaged if tables claim more than the file can contain; video-unsupported
 */
export async function readMp4Index(reader: ByteReader, limits: IndexLimits): Promise<Mp4Index> {
  const tracks: Track[] = [];
  let boxes = 0;
  let inFragments = 0;
  let fragments = 0;

  async function walk(from: number, to: number, depth: number): Promise<number> {
    if (depth > MAX_DEPTH) throw damagedIndex('Its boxes are nested too deeply.', limits);
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
      // The file is cut off, so this box and everything after it cannot be checked.
      if (depth === 0 && end > reader.size) return end;
      const type = head.toString('latin1', 4, 8);
      const box = { type, from: at + header, to: Math.min(end, to, reader.size) };
      const inside = insideOf(type, head.toString('latin1', header + 4, header + 8));
      if (type === 'trak') tracks.push(newTrack());
      if (type === 'moof') fragments += 1;
      if (inside !== undefined) await walk(box.from + inside, box.to, depth + 1);
      else if (COUNTED.has(type)) await readBox(box);
      checkTracks(tracks.length, limits);
      at = end;
    }
    return at;
  }

  async function readBox(box: Box): Promise<void> {
    const { type, from } = box;
    if (type === 'sidx') fragments += await sidxEntries(reader, box);
    else if (type === 'tfra') fragments += await entriesAt(reader, box, from + 12, 11, limits);
    else if (type === 'trun') inFragments += await trunSamples(reader, box, limits);
    else if (type === 'stsd') await checkHidden(reader, box, limits);
    else if (type === 'cmov') throw unsupported('The index of the file is compressed, which is not supported.', limits);
    else await readTrackBox(reader, box, tracks.at(-1) ?? newTrack(), limits);
  }

  const end = await walk(0, reader.size, 0);
  const indexed = tracks.map((track) => indexedSamples(track, reader.size, limits));
  // A program stores an entry for each fragment and each track.
  const samples = indexed.reduce((sum, each) => sum + each, 0) + inFragments + fragments * tracks.length;
  checkSamples(samples, limits);
  if (inFragments > reader.size) throw cannotHold(inFragments, reader.size, limits);
  return { end, samples };
}

/** @returns entries that a program's index has for a track. Each edit may copy all of them. */
function indexedSamples(track: Track, fileBytes: number, limits: IndexLimits): number {
  const { sizes, sampleBytes, durations, ticks, handlers, chunks, perChunk, edits } = track;
  // Sound with one sample per tick is indexed by chunks, in pieces of 1,024 samples. QuickTime uses a further handler
  // for the location of the media, so a track may have several.
  const isSound = handlers.includes('soun') && !handlers.some((handler) => PICTURES_OR_TEXT.includes(handler));
  const isPlainSound = isSound && ticks.length === 1 && ticks[0] === 1;
  const samples = isPlainSound ? chunks * Math.ceil(perChunk / 1024) : Math.max(sizes, durations);
  if (!isPlainSound && Math.max(samples, sizes * sampleBytes) > fileBytes) throw cannotHold(samples, fileBytes, limits);
  return samples * Math.max(1, edits);
}

/**
 * Finds the offset of the inner boxes from the start of a box's content.
 * @param first the four bytes at the place where an inner box would have its type
 * @returns undefined if the box contains no boxes
 */
function insideOf(type: string, first: string): number | undefined {
  if (CONTAINERS.has(type)) return 0;
  // In QuickTime files this box has no version field.
  if (type === 'meta') return first === 'hdlr' ? 0 : 4;
  // ffmpeg also reads an index in these boxes.
  if ((type === 'free' || type === 'hoov') && (first === 'mvhd' || first === 'cmov')) return 0;
  return undefined;
}

function cannotHold(samples: number, fileBytes: number, limits: IndexLimits): ProblemError {
  return damagedIndex(
    `Its index claims ${samples} samples for a track, but the file has only ${fileBytes} bytes.`,
    limits,
  );
}

function unsupported(why: string, { place }: IndexLimits): ProblemError {
  return new ProblemError('video-unsupported', `${why} Rewrite the file, for example with ffmpeg -c copy.`, place);
}

function tooManyBoxes({ boxes: limit, place }: IndexLimits): ProblemError {
  const detail = `The file has more than ${limit} MP4 boxes. Send a file with fewer fragments.`;
  return new ProblemError('video-too-large', detail, { ...place, limit });
}
