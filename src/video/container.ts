import { type FileHandle, open } from 'node:fs/promises';
import { ProblemError, type ProblemPlace } from '../problems.ts';

/** A container that is taken, by the name of the only demuxer that gets to see the file. */
export type Container = 'mov' | 'matroska';

/** More than a file of fragments may have. */
const MAX_BOXES = 100_000;
const FIRST_BOXES = ['ftyp', 'styp', 'moov', 'mdat', 'wide', 'free', 'skip'];
const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;

/** What is a video, but not one that is taken. */
const OTHERS: [name: string, offset: number, magic: Buffer][] = [
  ['AVI', 8, Buffer.from('AVI ')],
  ['Ogg', 0, Buffer.from('OggS')],
  ['FLV', 0, Buffer.from('FLV\x01')],
  ['MPEG program stream', 0, Buffer.from([0, 0, 1, 0xba])],
  ['Windows Media', 0, Buffer.from([0x30, 0x26, 0xb2, 0x75])],
  ['GIF', 0, Buffer.from('GIF8')],
];

/**
 * Tells the container by its first bytes, before any program sees the file, and whether the file is whole.
 * @throws ProblemError not-a-video, video-unsupported or video-damaged
 */
export async function readContainer(path: string, place: ProblemPlace): Promise<Container> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = await bytesAt(file, 0, 16);
    const container = containerOf(head, place);
    const end = container === 'mov' ? await endOfBoxes(file, size) : await endOfSegment(file);
    if (end <= size) return container;
    const detail = `The file is cut off: it says that it has ${end} bytes or more, and has ${size}.`;
    throw new ProblemError('video-damaged', detail, place);
  } finally {
    await file.close();
  }
}

function containerOf(head: Buffer, place: ProblemPlace): Container {
  if (head.length >= 8 && FIRST_BOXES.includes(head.toString('latin1', 4, 8))) return 'mov';
  if (head.length >= 8 && head.readUInt32BE(0) === EBML) return 'matroska';
  const other = OTHERS.find(([, at, magic]) => head.subarray(at, at + magic.length).equals(magic));
  if (other) throw new ProblemError('video-unsupported', `The file is ${other[0]}. Send MP4, WebM or MKV.`, place);
  throw new ProblemError('not-a-video', 'The bytes are no MP4, WebM or MKV file. Send one of these.', place);
}

/** Where the last of an MP4's boxes says that it ends. Format: ISO 14496-12, 4.2. */
async function endOfBoxes(file: FileHandle, size: number): Promise<number> {
  let at = 0;
  for (let box = 0; box < MAX_BOXES && at < size; box += 1) {
    const head = await bytesAt(file, at, 16);
    if (head.length < 8) return at + 8;
    const short = head.readUInt32BE(0);
    // To the end of the file.
    if (short === 0) return size;
    if (short === 1 && head.length < 16) return at + 16;
    const length = short === 1 ? Number(head.readBigUInt64BE(8)) : short;
    at += Math.max(8, length);
  }
  return at;
}

/** Where a Matroska file's segment says that it ends; 0 where it does not say. Format: RFC 8794, RFC 9559. */
async function endOfSegment(file: FileHandle): Promise<number> {
  let at = 0;
  // The header, perhaps some padding, the segment.
  for (let element = 0; element < 8; element += 1) {
    const head = await bytesAt(file, at, 12);
    const id = head.length > 0 ? 1 + Math.clz32((head[0] as number) << 24) : 0;
    const length = vint(head.subarray(id));
    if (length === undefined) return 0;
    const end = at + id + length.bytes + length.value;
    if (id === 4 && head.readUInt32BE(0) === SEGMENT) return end;
    at = end;
  }
  return 0;
}

/** A length as EBML writes it; undefined where it is left open, as a live recording does. */
function vint(bytes: Buffer): { value: number; bytes: number } | undefined {
  const count = bytes.length > 0 ? 1 + Math.clz32((bytes[0] as number) << 24) : 9;
  if (count > 8 || bytes.length < count) return undefined;
  const mask = (1n << BigInt(7 * count)) - 1n;
  const value = BigInt(`0x${bytes.toString('hex', 0, count)}`) & mask;
  return value === mask ? undefined : { value: Number(value), bytes: count };
}

async function bytesAt(file: FileHandle, at: number, count: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, at);
  return buffer.subarray(0, bytesRead);
}
