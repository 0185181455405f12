import type { FileHandle } from 'node:fs/promises';

/** Looks at a file piece by piece. Pieces that lie side by side come out of one read. */
export interface ByteReader {
  /** bytes of the file */
  size: number;
  /** @returns the bytes from there on, fewer where the file ends; good until the next call */
  bytes(at: number, count: number): Promise<Buffer>;
}

/** Bytes of one read: the longest piece that may be asked for. */
export const WINDOW_BYTES = 64 * 1024;

/** @param signal the next read throws its reason when it aborts */
export async function byteReader(file: FileHandle, signal: AbortSignal): Promise<ByteReader> {
  const { size } = await file.stat();
  const window = Buffer.alloc(WINDOW_BYTES);
  let start = 0;
  let end = 0;
  return {
    size,
    async bytes(at, count) {
      const wanted = Math.max(0, Math.min(count, size - at));
      if (wanted > 0 && (at < start || at + wanted > end)) {
        signal.throwIfAborted();
        const { bytesRead } = await file.read(window, 0, WINDOW_BYTES, at);
        start = at;
        end = at + bytesRead;
      }
      return window.subarray(at - start, Math.min(at - start + wanted, end - start));
    },
  };
}
