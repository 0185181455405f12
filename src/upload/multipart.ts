import type { Multipart } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../problems.ts';
import type { UploadLimits, UploadReader } from './upload.ts';

/** The episode is a small JSON document; its timestamps are the bulk of it. */
const MAX_EPISODE_BYTES = 4 * 1024 * 1024;

/**
 * Reads a multipart upload as it streams in. Parts may come in any order; `frames` count in the order they come.
 * @throws ProblemError naming the part and, where it is one, the frame
 */
export async function readMultipart(
  request: FastifyRequest,
  limits: UploadLimits,
  reader: UploadReader,
): Promise<void> {
  const room = limits.MAX_FRAMES + 2;
  const parts = request.parts({
    limits: {
      files: room,
      fields: 2,
      parts: room + 1,
      fileSize: limits.MAX_UPLOAD_BYTES,
      fieldSize: MAX_EPISODE_BYTES,
    },
  });
  const budget = { left: limits.MAX_UPLOAD_BYTES, limit: limits.MAX_UPLOAD_BYTES };
  let frame = 0;
  for await (const part of parts) {
    if (part.fieldname === 'episode') reader.episode(await readEpisode(part), '');
    else if (part.type === 'field') throw unexpected(part.fieldname);
    else if (part.fieldname === 'npy') await reader.npy(metered(part.file, budget));
    else if (part.fieldname === 'frames') {
      const place = { part: 'frames', frame };
      await reader.image(await readAll(metered(part.file, budget), limits.MAX_FRAME_BYTES, place), place);
      frame += 1;
    } else throw unexpected(part.fieldname);
  }
}

async function readEpisode(part: Multipart): Promise<unknown> {
  if (part.type === 'file') {
    return parseJson((await readAll(part.file, MAX_EPISODE_BYTES, { part: 'episode' })).toString('utf8'));
  }
  if (part.valueTruncated) throw tooLarge(MAX_EPISODE_BYTES, { part: 'episode' });
  return typeof part.value === 'string' ? parseJson(part.value) : part.value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProblemError('malformed-json', 'The part `episode` is not valid JSON.', { part: 'episode' }, error);
  }
}

/** Counts bytes against what is left of the whole upload: the parser itself bounds single parts only. */
async function* metered(
  chunks: AsyncIterable<Buffer>,
  budget: { left: number; limit: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    budget.left -= chunk.length;
    if (budget.left < 0) throw tooLarge(budget.limit, {});
    yield chunk;
  }
}

async function readAll(
  chunks: AsyncIterable<Buffer>,
  limit: number,
  place: { part: string; frame?: number },
): Promise<Buffer> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge(limit, place);
    read.push(chunk);
  }
  return Buffer.concat(read);
}

export function tooLarge(limit: number, place: { part?: string; frame?: number }): ProblemError {
  return new ProblemError('upload-too-large', `At most ${limit} bytes are taken here.`, { ...place, limit });
}

function unexpected(name: string): ProblemError {
  const detail = 'Parts are `episode` (JSON) and `frames` (image files) or `npy` (one file).';
  return new ProblemError('unexpected-part', detail, { part: name.slice(0, 64) });
}
