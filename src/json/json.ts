import { Piscina } from 'piscina';
import { ProblemError } from '../problems.ts';
import { type JsonReading, readJsonBytes } from './read.ts';

/** Reads JSON documents of requests. */
export interface JsonReader {
  /**
   * @param bytes UTF-8; a large document's memory goes over to another thread
   * @param part of a form that it came in; none for a whole body
   * @throws ProblemError malformed-json or invalid-request
   */
  read(bytes: Buffer, part?: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Larger documents are read on another thread, so that the event loop stays free. Parsing this many takes about 1 ms. */
const LARGE = 128 * 1024;

export function createJsonReader(): JsonReader {
  // A thread is started when it is needed and ends when it has nothing to do: what it has read is gone with it.
  const pool = new Piscina({
    filename: new URL('./worker.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
  });

  async function reading(bytes: Buffer, what: string): Promise<JsonReading> {
    if (bytes.length <= LARGE) return readJsonBytes(bytes, what);
    const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
    return pool.run({ bytes: new Uint8Array(whole.buffer), what }, { transferList: [whole.buffer as ArrayBuffer] });
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
