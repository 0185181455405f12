import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../problems.ts';
import { tooLarge, type UploadLimits } from './limits.ts';
import type { UploadReader } from './upload.ts';

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
  const budget = { left: limits.MAX_UPLOAD_BYTES, limit: limits.MAX_UPLOAD_BYTES };
  let frame = 0;
  for await (const { fieldname, file } of partsOf(request, limits.MAX_FRAMES + 2)) {
    const bytes = wellFormed(file);
    const chunks = metered(bytes, budget);
    if (fieldname === 'episode') {
      reader.episode(parseJson(await readAll(bytes, MAX_EPISODE_BYTES, { part: 'episode' }), 'episode'), '');
    } else if (fieldname === 'npy') {
      await reader.npy(chunks);
    } else if (fieldname === 'video') {
      await reader.video(chunks, { part: 'video' });
    } else if (fieldname === 'frames') {
      const place = { part: 'frames', frame };
      await reader.image(await readAll(chunks, limits.MAX_FRAME_BYTES, place), place);
      frame += 1;
    } else {
      throw unexpected(fieldname);
    }
  }
}

/**
 * The parts of a form, as they come.
 * @param room most of them that are taken
 */
export function partsOf(request: FastifyRequest, room: number) {
  // Every part is a stream, with a file name or without: clients differ.
  const parts = request.files({
    isPartAFile: () => true,
    // Sizes are metered by the readers; the parser would cut a file that is too large in silence.
    limits: { files: room, parts: room, fileSize: Number.POSITIVE_INFINITY },
  });
  return wellFormed(parts);
}

/** Says what the parser's own errors mean; what goes wrong with the parts themselves passes by. */
export async function* wellFormed<Piece>(source: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  try {
    yield* source;
  } catch (error) {
    if (isCoded(error)) throw error;
    const detail = 'The form has no boundary, or is cut off or broken. Let a library build it.';
    throw new ProblemError('malformed-multipart', detail, {}, error);
  }
}

/** Errors of the parser with a code are known to the error handler. */
function isCoded(error: unknown): boolean {
  return String((error as { code?: unknown }).code).startsWith('FST_');
}

/** @param part its name, for problems */
export function parseJson(bytes: Buffer, part: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's own words quote the text.
    throw new ProblemError('malformed-json', `The part \`${part}\` is not valid JSON.`, { part });
  }
}

/** Counts bytes against what is left of the whole upload: the parser itself bounds single parts only. */
export async function* metered(
  chunks: AsyncIterable<Buffer>,
  budget: { left: number; limit: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    budget.left -= chunk.length;
    if (budget.left < 0) throw tooLarge(budget.limit, {});
    yield chunk;
  }
}

/** @throws ProblemError upload-too-large */
export async function readAll(
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

function unexpected(name: string): ProblemError {
  const detail = 'Parts are `episode` (JSON) and `frames` (image files) or `npy` or `video` (one file).';
  return new ProblemError('unexpected-part', detail, { part: name.slice(0, 64) });
}
