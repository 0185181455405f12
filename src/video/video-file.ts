import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ProblemPlace } from '../problems.ts';
import type { ReadContainer } from './container.ts';
import { MAX_TRACKS } from './index-limits.ts';
import { onDisk, removeFolder, type UploadStorage } from './storage.ts';
import type { VideoTools } from './tools.ts';

/** An uploaded video on disk, and what it is read with. */
export interface VideoFile {
  path: string;
  /** its own, and nobody else's */
  folder: string;
  bytes: number;
  tools: VideoTools;
  /** longest time for one run of a program */
  timeoutS: number;
  /** the part or member it came in, for problems */
  place: ProblemPlace;
}

/** A file whose container has been looked at. */
export type KnownVideoFile = VideoFile & ReadContainer;

/**
 * Writes an upload to a private temporary file: the index of an MP4 may be at its end.
 * @param signal when it aborts, as it does after the answer too, the file is removed
 * @throws ProblemError storage-unavailable; whatever reading the upload throws; the signal's reason when it aborts
 */
export async function storeVideo(
  chunks: AsyncIterable<Buffer>,
  storage: UploadStorage,
  place: ProblemPlace,
  signal: AbortSignal,
): Promise<Pick<VideoFile, 'path' | 'folder' | 'bytes'>> {
  signal.throwIfAborted();
  const folder = await onDisk(storage.makeFolder(), place, signal);
  // An upload that was given up may never end, so its end is not waited for.
  signal.addEventListener('abort', () => void removeFolder(folder), { once: true });
  const path = join(folder, 'video');
  try {
    signal.throwIfAborted();
    const file = await onDisk(open(path, 'wx', 0o600), place, signal);
    if (signal.aborted) await file.close();
    signal.throwIfAborted();
    const bytes = await writeChunks(chunks, file.createWriteStream(), place, signal);
    return { path, folder, bytes };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

/** @returns how many bytes there were */
async function writeChunks(
  chunks: AsyncIterable<Buffer>,
  stream: WriteStream,
  place: ProblemPlace,
  signal: AbortSignal,
): Promise<number> {
  let readFault: { error: unknown } | undefined;
  async function* read() {
    try {
      yield* chunks;
    } catch (error) {
      readFault = { error };
      throw error;
    }
  }
  try {
    await onDisk(pipeline(read(), stream, { signal }), place, signal);
  } catch (error) {
    // What goes wrong with the connection is no fault of the disk.
    throw readFault ? readFault.error : error;
  }
  return stream.bytesWritten;
}

/** Largest single allocation of a program: a frame of 16 bits and four channels at the default limit fits twice. */
const MAX_ALLOCATION = 256 * 1024 * 1024;

/**
 * Options that name the file, and bind the program to it: one demuxer, found by the file's first bytes, no network, no
 * other file.
 */
export function inputOptions({ path, container }: Pick<KnownVideoFile, 'path' | 'container'>): string[] {
  const closed = container === 'mov' ? ['-enable_drefs', '0', '-use_absolute_path', '0', '-ignore_chapters', '1'] : [];
  const bound = ['-max_alloc', String(MAX_ALLOCATION), '-max_streams', String(MAX_TRACKS)];
  return [...bound, '-protocol_whitelist', 'file', ...closed, '-f', container, '-i', `file:${path}`];
}
