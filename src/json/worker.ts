import { freeBytes } from '../process/free-bytes.ts';
import { lowerThreadPriority } from '../process/low-priority.ts';
import { type JsonReading, readJsonBytes } from './read.ts';

lowerThreadPriority();

/** Reads one large document on the thread of the JSON reader. */
export default function work({ bytes, what }: { bytes: Uint8Array; what: string }): JsonReading {
  return readJsonBytes(bytes, what, () => freeBytes(bytes));
}
