import type { JsonReader } from '../json/json.ts';
import type { BatchLimits, BatchReader } from './batch.ts';
import { type FormPart, readAll, unexpectedPart } from './form.ts';
import { tooLarge } from './limits.ts';

const PARTS = 'The parts are `batch` (JSON), `frames` (image files), `npy` and `video` (one file each).';

/**
 * Reads a batch that was sent as a form, while it arrives. The reader keeps the problems of single episodes.
 * @throws ProblemError if the form itself is wrong
 */
export async function readBatchMultipart(
  parts: AsyncIterable<FormPart>,
  limits: BatchLimits,
  reader: BatchReader,
  json: JsonReader,
): Promise<void> {
  for await (const { name, chunks } of parts) {
    if (name === 'batch') {
      const bytes = await readAll(chunks, limits.MAX_JSON_BYTES, { part: 'batch' });
      await reader.batch(await json.read(bytes, 'batch'));
    } else if (name === 'frames') {
      const bytes = await readUpTo(chunks, limits.MAX_FRAME_BYTES);
      await reader.frame(async (episode, place) => {
        if (!bytes) throw tooLarge(limits.MAX_FRAME_BYTES, place);
        await episode.image(bytes, place);
      });
    } else if (name === 'npy' || name === 'video') {
      const shared = resumable(chunks);
      if (name === 'npy') await reader.npy((episode) => episode.npy(shared));
      else await reader.video({ chunks: shared, place: { part: 'video' } });
      for await (const _ of shared);
    } else {
      throw unexpectedPart(name, ['batch', 'frames', 'npy', 'video'], PARTS);
    }
  }
}

/** Reads a part to its end. @returns undefined if it is larger than the limit; an error would end the parts after it too */
async function readUpTo(chunks: AsyncIterable<Buffer>, limit: number): Promise<Buffer | undefined> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes <= limit) read.push(chunk);
    else read.length = 0;
  }
  return bytes <= limit ? Buffer.concat(read) : undefined;
}

/**
 * Returns the same chunks for several readers, one after another: if the first stops early, the next gets the rest. The iterator
 * of a stream would end with the first. If the upload itself fails, every reader gets the error, because it is not the fault of
 * one episode.
 */
function resumable(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  let failed: Promise<never> | undefined;
  const next = () =>
    failed ??
    iterator.next().catch((error) => {
      failed = Promise.reject(error);
      return failed;
    });
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
