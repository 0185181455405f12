import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { RewardRequest } from '../../schemas/episode.ts';
import { createChecker } from '../checker.ts';
import { invalidRequest } from '../field-errors.ts';
import { ProblemError } from '../problems.ts';
import type { UploadLimits } from './limits.ts';
import { tooLarge } from './limits.ts';
import type { UploadReader } from './upload.ts';

/** The envelope alone: the episode in it has a checker of its own, with problems of its own. */
const checkRequest = createChecker(
  Type.Object({ ...RewardRequest.properties, episode: Type.Unknown() }, { additionalProperties: false }),
);

/**
 * Reads an upload that came as one JSON document with base64 frames.
 * @param pointer to the request, where it is one of several in a document
 * @throws ProblemError with a pointer into the document
 */
export async function readJson(body: unknown, limits: UploadLimits, reader: UploadReader, pointer = ''): Promise<void> {
  const episode = (body as { episode?: unknown } | null)?.episode;
  if (episode === undefined)
    throw new ProblemError('missing-episode', 'Say in `episode` what is asked.', { pointer: `${pointer}/episode` });
  reader.episode(episode, `${pointer}/episode`);
  const { frames = [], npy, video } = checkRequest(body, pointer);
  for (const [frame, text] of frames.entries()) {
    const place = { pointer: `${pointer}/frames/${frame}`, frame };
    const bytes = decodeBase64(text, place.pointer);
    if (bytes.length > limits.MAX_FRAME_BYTES) throw tooLarge(limits.MAX_FRAME_BYTES, place);
    await reader.image(bytes, place);
  }
  if (npy !== undefined) await reader.npy(Readable.from([decodeBase64(npy, `${pointer}/npy`)]));
  if (video !== undefined) {
    const place = { pointer: `${pointer}/video` };
    await reader.video({ chunks: Readable.from([decodeBase64(video, place.pointer)]), place });
  }
}

/** Buffer.from skips what is no base64; that would cut a frame in silence. */
function decodeBase64(text: string, pointer: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (text.length % 4 === 0 && bytes.length === (text.length * 3) / 4 - padding) return bytes;
  throw invalidRequest([
    { pointer, detail: 'is not base64; send the bare, padded text, without a data: prefix or line breaks' },
  ]);
}
