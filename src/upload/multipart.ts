import type { JsonReader } from '../json/json.ts';
import { type FormPart, readAll, unexpectedPart } from './form.ts';
import { maxEpisodeBytes, type UploadLimits } from './limits.ts';
import type { UploadReader } from './upload.ts';

const PARTS = 'Parts are `episode` (JSON) and `frames` (image files) or `npy` or `video` (one file).';

/**
 * Reads a multipart upload as it streams in. Parts may come in any order; `frames` count in the order they come.
 * @throws ProblemError naming the part and, where it is one, the frame
 */
export async function readMultipart(
  parts: AsyncIterable<FormPart>,
  limits: UploadLimits,
  reader: UploadReader,
  json: JsonReader,
): Promise<void> {
  let frame = 0;
  for await (const { name, chunks } of parts) {
    if (name === 'episode') {
      const bytes = await readAll(chunks, maxEpisodeBytes(limits), { part: 'episode' });
      reader.episode(await json.read(bytes, 'episode'), '');
    } else if (name === 'npy') {
      await reader.npy(chunks);
    } else if (name === 'video') {
      await reader.video({ chunks, place: { part: 'video' } });
    } else if (name === 'frames') {
      const place = { part: 'frames', frame };
      await reader.image(await readAll(chunks, limits.MAX_FRAME_BYTES, place), place);
      frame += 1;
    } else {
      throw unexpectedPart(name, ['episode', 'frames', 'npy', 'video'], PARTS);
    }
  }
}
