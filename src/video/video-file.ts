import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ProblemPlace } from '../problems/problems.ts';
import type { ReadContainer } from './container.ts';
import { MAX_TRACKS } from './index-limits.ts';
import { onDisk, removeFolder, type UploadStorage } from './storage.ts';
import type { VideoTools } from './tools.ts';

/** An uploaded video on disk, and the programs that read it. */
export interface VideoFile {
  path: string;
  /** a private folder for this file only */
  folder: string;
  /** size of the file */
  bytes: number;
  tools: VideoTools;
  /** time limit for one run of a program, in seconds */
  timeoutS: number;
  /** the part or member that contains the video, for problems */
  place: ProblemPlace;
}

/** A video file whose container has been checked. */
export type KnownVideoFile = VideoFile & ReadContainer;

/**
 * Writes an upload to a private temporary file, because the index of an MP4 may be at its end.
 * @param signal when it aborts, which also happens after the response, the file is removed
 * @throws ProblemError storage-unavailable; errors from reading the upload; the signal's reason when it aborts
 */
export async function storeVideo(
  chunks: AsyncIterable<Buffer>,
  storage: UploadStorage,
  place: ProblemPlace,
  signal: AbortSignal,
): Promise<Pick<VideoFile, 'path' | 'folder' | 'bytes'>> {
  signal.throwIfAborted();
  const folder = await onDisk(storage.makeFolder(), place, signal);
  // An aborted upload may never end, so remove the folder without waiting for it.
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

/** @returns the number of bytes written */
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
    // An error of the connection is not an error of the disk.
    throw readFault ? readFault.error : error;
  }
  return stream.bytesWritten;
}

/** Largest single allocation of a program: enough for two frames of four 16-bit channels at the default size limit. */
const MAX_ALLOCATION = 256 * 1024 * 1024;

/**
 * Makes options that name the file and restrict the program to it: one demuxer, chosen by the file's first bytes, no
 * network, and no other file.
 */
export function inputOptions({ path, container }: Pick<KnownVideoFile, 'path' | 'container'>): string[] {
  const closed = container === 'mov' ? ['-enable_drefs', '0', '-use_absolute_path', '0', '-ignore_chapters', '1'] : [];
  const bound = ['-max_alloc', String(MAX_ALLOCATION), '-max_streams', String(MAX_TRACKS)];
  return [...bound, '-protocol_whitelist', 'file', ...closed, '-f', container, '-i', `file:${path}`];
}
