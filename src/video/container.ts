import { type FileHandle, open } from 'node:fs/promises';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import { byteReader } from './byte-reader.ts';
import { indexLimits } from './index-limits.ts';
import { readMatroskaIndex } from './matroska-index.ts';
import { readMp4Index } from './mp4-index.ts';
import { onDisk } from './storage.ts';

/** An accepted container, named after the only demuxer that may read the file. */
type Container = 'mov' | 'matroska';

const FIRST_BOXES = ['ftyp', 'styp', 'moov', 'mdat', 'wide', 'free', 'skip'];
const EBML = 0x1a45dfa3;

/** Video formats that are recognized and refused. */
const OTHERS: [name: string, offset: number, magic: Buffer][] = [
  ['AVI', 8, Buffer.from('AVI ')],
  ['Ogg', 0, Buffer.from('OggS')],
  ['FLV', 0, Buffer.from('FLV\x01')],
  ['MPEG program stream', 0, Buffer.from([0, 0, 1, 0xba])],
  ['Windows Media', 0, Buffer.from([0x30, 0x26, 0xb2, 0x75])],
  ['GIF', 0, Buffer.from('GIF8')],
];

/** The container of a file and the size of its index. */
export interface ReadContainer {
  container: Container;
  /** entries of the index: a program that reads the file allocates memory for this number */
  samples: number;
}

/**
 * Detects the container by the first bytes, and checks that the file is complete and that its index is not too large.
 * This happens before any program reads the file.
 * @param maxFrames most frames of one episode
 * @throws ProblemError not-a-video, video-unsupported, video-damaged, video-too-large or storage-unavailable; the
 * signal's reason when it aborts
 */
export async function readContainer(
  path: string,
  maxFrames: number,
  place: ProblemPlace,
  signal: AbortSignal,
): Promise<ReadContainer> {
  const file = await onDisk(open(path, 'r'), place, signal);
  try {
    return await onDisk(readOpen(file, maxFrames, place, signal), place, signal);
  } finally {
    await file.close();
  }
}

async function readOpen(
  file: FileHandle,
  maxFrames: number,
  place: ProblemPlace,
  signal: AbortSignal,
): Promise<ReadContainer> {
  const reader = await byteReader(file, signal);
  const container = containerOf(await reader.bytes(0, 16), place);
  const limits = indexLimits(maxFrames, place);
  const { end, samples } =
    container === 'mov' ? await readMp4Index(reader, limits) : await readMatroskaIndex(reader, limits);
  if (end <= reader.size) return { container, samples };
  const detail = `The file is cut off: according to its headers it has at least ${end} bytes, but it has ${reader.size}.`;
  throw new ProblemError('video-damaged', detail, place);
}

function containerOf(head: Buffer, place: ProblemPlace): Container {
  if (head.length >= 8 && FIRST_BOXES.includes(head.toString('latin1', 4, 8))) return 'mov';
  if (head.length >= 8 && head.readUInt32BE(0) === EBML) return 'matroska';
  const other = OTHERS.find(([, at, magic]) => head.subarray(at, at + magic.length).equals(magic));
  if (other)
    throw new ProblemError('video-unsupported', `The format of the file is ${other[0]}. Send MP4, WebM or MKV.`, place);
  throw new ProblemError('not-a-video', 'The file is not an MP4, WebM or MKV video. Send one of these formats.', place);
}
