import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { RewardRequest } from '../../schemas/episode.ts';
import { createChecker } from '../checking/checker.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { memberOf } from '../json/member.ts';
import { ProblemError } from '../problems/problems.ts';
import type { UploadLimits } from './limits.ts';
import { tooLarge } from './limits.ts';
import type { UploadReader } from './upload.ts';

/** Checks the request without its episode: the episode has its own checker and its own problems. */
const checkRequest = createChecker(
  Type.Object({ ...RewardRequest.properties, episode: Type.Unknown() }, { additionalProperties: false }),
);

/**
 * Reads an upload that was sent as one JSON document with base64 frames.
 * @param pointer JSON pointer to the request, if the document contains several
 * @throws ProblemError with a pointer into the document
 */
export async function readJson(body: unknown, limits: UploadLimits, reader: UploadReader, pointer = ''): Promise<void> {
  const episode = memberOf(body, 'episode');
  if (episode === undefined)
    throw new ProblemError('missing-episode', MISSING_EPISODE, { pointer: `${pointer}/episode` });
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

const MISSING_EPISODE =
  'Send the member `episode`, with at least `instruction` and, except for a video, `fps` or `timestamps_s`.';

/** Decodes base64. Buffer.from skips invalid characters, which would damage a frame without an error. */
function decodeBase64(text: string, pointer: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (text.length % 4 === 0 && bytes.length === (text.length * 3) / 4 - padding) return bytes;
  throw invalidRequest([
    { pointer, detail: 'is not base64; send padded base64 without a `data:` prefix and without line breaks' },
  ]);
}
