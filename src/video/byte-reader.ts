import type { FileHandle } from 'node:fs/promises';

/** Looks at a file piece by piece. Pieces that lie side by side come out of one read. */
export interface ByteReader {
  /** bytes of the file */
  size: number;
  /** @returns the bytes from there on, fewer where the file ends; good until the next call */
  bytes(at: number, count: number): Promise<Buffer>;
  /** @returns the same at once, where they have been read already: a walk of a million steps takes no million turns */
  held(at: number, count: number): Buffer | undefined;
}

/** Bytes of one read: the longest piece that may be asked for. */
export const WINDOW_BYTES = 64 * 1024;

/** @param signal the next read throws its reason when it aborts */
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
