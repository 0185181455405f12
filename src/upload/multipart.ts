import type { JsonReader } from '../json/json.ts';
import { type FormPart, readAll, unexpectedPart } from './form.ts';
import { maxEpisodeBytes, type UploadLimits } from './limits.ts';
import type { UploadReader } from './upload.ts';

const PARTS =
  'The parts are `episode` (JSON, with all options) and one of `frames` (image files), `npy` (one file) and `video` (one file).';

/**
 * Reads the form of one episode while it arrives. Parts may have any order; `frames` are numbered in their order of arrival.
 * @throws ProblemError that names the part and, for a frame, its number
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
