import { type JsonReading, readJsonBytes } from './read.ts';

/** Reads one large document on a thread of its own. */
export default function work({ bytes, what }: { bytes: Uint8Array; what: string }): JsonReading {
  return readJsonBytes(bytes, what);
}
