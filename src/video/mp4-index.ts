import { ProblemError } from '../problems.ts';
import type { ByteReader } from './byte-reader.ts';
import { checkSamples, checkTracks, damagedIndex, type IndexLimits } from './index-limits.ts';
import {
  type Box,
  checkHidden,
  entriesAt,
  LOOKED_AT,
  newTrack,
  readTrackBox,
  sidxEntries,
  type Track,
  trunSamples,
} from './mp4-tables.ts';

/** What an MP4's boxes say of the whole file. */
export interface Mp4Index {
  /** where the last box says that it ends */
  end: number;
  /** for how many samples a program makes room that reads the file */
  samples: number;
}

/** Handlers that make ffmpeg take a track for something else. */
const PICTURES_OR_TEXT = ['vide', 'subp', 'clcp'];
/** ffmpeg goes no deeper. */
const MAX_DEPTH = 10;

/** Boxes of boxes, those that ffmpeg looks into. */
const CONTAINERS = new Set(
  'moov trak mdia minf stbl edts dinf udta mvex moof traf tref sinf schi wave ilst mfra'.split(' '),
);

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

/** @returns entries that a program's index has for a track; each edit copies its part of them, at most all */
function indexedSamples(track: Track, fileBytes: number, limits: IndexLimits): number {
  const { sizes, sampleBytes, durations, ticks, handlers, chunks, perChunk, edits } = track;
  // Sound with a sample for every tick is indexed by its chunks, in pieces of 1,024 samples.
  // QuickTime names where the media lies by a handler too.
  const isSound = handlers.includes('soun') && !handlers.some((handler) => PICTURES_OR_TEXT.includes(handler));
  const isPlainSound = isSound && ticks.length === 1 && ticks[0] === 1;
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

function cannotHold(samples: number, fileBytes: number, limits: IndexLimits): ProblemError {
  return damagedIndex(`A track is said to have ${samples} samples, which ${fileBytes} bytes cannot hold.`, limits);
}

function unsupported(why: string, { place }: IndexLimits): ProblemError {
  return new ProblemError('video-unsupported', `${why} Write the file anew, for example with ffmpeg -c copy.`, place);
}

function tooManyBoxes({ boxes: limit, place }: IndexLimits): ProblemError {
  const detail = `The file has more than ${limit} boxes. Send one in fewer fragments.`;
  return new ProblemError('video-too-large', detail, { ...place, limit });
}
