import type { FileHandle } from 'node:fs/promises';

/** Reads pieces of a file. Nearby pieces come from the same read. */
export interface ByteReader {
  /** size of the file in bytes */
  size: number;
  /**
   * Reads a piece of the file, at most `WINDOW_BYTES`.
   * @returns `count` bytes from offset `at` on, fewer at the end of the file; valid until the next call
   */
  bytes(at: number, count: number): Promise<Buffer>;
  /**
   * Returns the same piece synchronously, so that a walk of a million steps does not wait for the event loop a million
   * times.
   * @returns undefined if the piece has not been read yet
   */
  held(at: number, count: number): Buffer | undefined;
}

/** Bytes of one read, and the longest piece that may be requested. */
export const WINDOW_BYTES = 64 * 1024;

/** Makes a reader for an open file. @param signal when it aborts, the next read throws its reason */
export async function byteReader(file: FileHandle, signal: AbortSignal): Promise<ByteReader> {
  const { size } = await file.stat();
  const window = Buffer.alloc(WINDOW_BYTES);
  let start = 0;
  let end = 0;
  function held(at: number, count: number): Buffer | undefined {
    const last = Math.min(at + count, size);
    return at >= start && last <= end ? window.subarray(at - start, Math.max(at, last) - start) : undefined;
  }

  return {
    size,
    held,
    async bytes(at, count) {
      const known = held(at, count);
      if (known) return known;
      signal.throwIfAborted();
      const { bytesRead } = await file.read(window, 0, WINDOW_BYTES, at);
      start = at;
      end = at + bytesRead;
      return window.subarray(0, Math.min(count, bytesRead));
    },
  };
}
