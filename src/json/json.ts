import { Piscina } from 'piscina';
import { ProblemError } from '../problems/problems.ts';
import { ownsBuffer } from '../process/free-bytes.ts';
import { type JsonReading, readJsonBytes } from './read.ts';

/** Reads JSON documents of requests. */
export interface JsonReader {
  /**
   * @param bytes UTF-8; the memory of a large document moves to another thread, so do not use it afterwards
   * @param part name of the form's part; none for a complete body
   * @throws ProblemError malformed-json or invalid-request
   */
  read(bytes: Buffer, part?: string): Promise<unknown>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** Documents with more bytes are read on another thread, to keep the event loop free. Parsing this many takes about 1 ms. */
const LARGE = 128 * 1024;

/** Creates a reader with at most one thread. */
export function createJsonReader(): JsonReader {
  // The thread starts when it is needed and ends when it is idle, which releases the memory of what it has read.
  const pool = new Piscina<{ bytes: Uint8Array; what: string }, JsonReading>({
    filename: new URL('./worker.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
  });

  async function reading(bytes: Buffer, what: string): Promise<JsonReading> {
    if (bytes.length <= LARGE) return readJsonBytes(bytes, what);
    const { buffer } = ownsBuffer(bytes) ? bytes : new Uint8Array(bytes);
    return pool.run({ bytes: new Uint8Array(buffer), what }, { transferList: [buffer] });
  }

  return {
    async read(bytes, part) {
      const result = await reading(bytes, part === undefined ? 'The body' : `The part \`${part}\``);
      if ('value' in result) return result.value;
      const place = part === undefined ? {} : { part };
      throw new ProblemError(result.fault === 'malformed' ? 'malformed-json' : 'invalid-request', result.detail, place);
    },
    close: () => pool.close({ force: true }),
  };
}
