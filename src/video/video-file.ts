import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ProblemPlace } from '../problems.ts';
import type { Container } from './container.ts';
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

/** A file whose first bytes have been looked at. */
export interface KnownVideoFile extends VideoFile {
  container: Container;
}

/**
 * Writes an upload to a private temporary file: the index of an MP4 may be at its end.
 * @param signal when it aborts, as it does after the answer too, the file is removed
 * @throws whatever reading the upload throws; the signal's reason when it aborts
 */
export async function storeVideo(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<Pick<VideoFile, 'path' | 'folder' | 'bytes'>> {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'topreward-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'video');
    const file = await open(path, 'wx', 0o600);
    const stream = file.createWriteStream();
    signal.throwIfAborted();
    // An upload that was given up may never end, so its end is not waited for.
    signal.addEventListener('abort', () => void remove(), { once: true });
    await pipeline(chunks, stream, { signal });
    return { path, folder, bytes: stream.bytesWritten };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Largest single allocation of a program: a frame of 16 bits and four channels at the default limit fits twice. */
const MAX_ALLOCATION = 256 * 1024 * 1024;

/**
 * Options that name the file, and bind the program to it: one demuxer, found by the file's first bytes, no network, no
 * other file.
 */
export function inputOptions({ path, container }: KnownVideoFile): string[] {
  const closed = container === 'mov' ? ['-enable_drefs', '0', '-use_absolute_path', '0', '-ignore_chapters', '1'] : [];
  const bound = ['-max_alloc', String(MAX_ALLOCATION), '-protocol_whitelist', 'file'];
  return [...bound, ...closed, '-f', container, '-i', `file:${path}`];
}
