import { ProblemError } from '../problems/problems.ts';
import type { ByteReader } from './byte-reader.ts';
import { checkTracks, type IndexLimits } from './index-limits.ts';

/** What the elements of a Matroska file say about the complete file. */
interface MatroskaIndex {
  /** end of the segment according to its length, as a byte offset; 0 if the length is unknown */
  end: number;
  /** number of elements that a program keeps in memory while it reads the file */
  samples: number;
}

const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const TRACK_ENTRY = 0xae;

/**
 * Elements with inner elements that a program keeps: seek heads, tracks, cues, chapters, attachments, tags, and their
 * parts.
 */
const KEPT = new Set([
  ...[0x114d9b74, 0x1654ae6b, TRACK_ENTRY, 0x6d80, 0x6240, 0x41e4, 0x1c53bb6b, 0xbb, 0xb7],
  ...[0x1043a770, 0x45b9, 0xb6, 0x80, 0x1941a469, 0x61a7, 0x1254c367, 0x7373, 0x67c8],
]);

/**
 * Walks the elements of a Matroska file, except those in clusters. Format: RFC 8794, RFC 9559. The walk enters elements
 * that contain others and needs no stack: after the last inner element, the next element follows directly.
 * @throws ProblemError video-too-large
 */
export async function readMatroskaIndex(reader: ByteReader, limits: IndexLimits): Promise<MatroskaIndex> {
  let end = 0;
  let elements = 0;
  let tracks = 0;
  let at = 0;
  while (at < reader.size) {
    const head = reader.held(at, 12) ?? (await reader.bytes(at, 12));
    const idBytes = head.length > 0 ? 1 + Math.clz32(head.readUInt8(0) << 24) : 9;
    if (idBytes > 4 || head.length <= idBytes) break;
    const id = head.readUIntBE(0, idBytes);
    const length = vint(head.subarray(idBytes));
    if (!length) break;
    const from = at + idBytes + length.bytes;
    if (id === SEGMENT && length.value !== undefined) end = Math.max(end, from + length.value);
    if (id === TRACK_ENTRY) tracks += 1;
    if (id !== CLUSTER) elements += 1;
    checkTracks(tracks, limits);
    if (elements > limits.samples) throw tooManyElements(limits);
    // A cluster of a live recording has no length, so the walk enters it: its blocks follow one another up to the next
    // cluster.
    const isEntered = id === SEGMENT || KEPT.has(id);
    at = isEntered || length.value === undefined ? from : from + length.value;
  }
  return { end, samples: elements };
}

/**
 * Reads a length in EBML's form.
 * @returns an undefined `value` if the length is unknown, as in a live recording; undefined if the bytes are not a
 * length
 */
function vint(bytes: Buffer): { value: number | undefined; bytes: number } | undefined {
  const count = bytes.length > 0 ? 1 + Math.clz32(bytes.readUInt8(0) << 24) : 9;
  if (count > 8 || bytes.length < count) return undefined;
  let value = bytes.readUInt8(0) & (0xff >> count);
  let isOpen = value === 0xff >> count;
  for (const byte of bytes.subarray(1, count)) {
    value = value * 256 + byte;
    isOpen &&= byte === 0xff;
  }
  return { value: isOpen ? undefined : value, bytes: count };
}

function tooManyElements({ samples: limit, place }: IndexLimits): ProblemError {
  const detail = `The file has more than ${limit} elements besides its image and sound data. Send a file with a smaller index.`;
  return new ProblemError('video-too-large', detail, { ...place, limit });
}
