import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { didYouMean } from '../did-you-mean.ts';
import { ProblemError } from '../problems.ts';
import { FILE_FIELDS, withoutEmptyFields } from './empty-fields.ts';
import { tooLarge } from './limits.ts';

/** Counts bytes of an upload as they come. @throws ProblemError upload-too-large; server-busy where there is no memory for them */
export type CountBytes = (bytes: number) => void;

/** One part of a form, to be read before the next one comes. */
export interface FormPart {
  name: string;
  chunks: AsyncIterable<Buffer>;
}

/**
 * The parts of a form, as they come.
 * @param room most of them that are taken, empty fields not counted
 * @throws ProblemError malformed-multipart, or what counting throws
 */
export async function* formParts(request: FastifyRequest, room: number, count: CountBytes): AsyncGenerator<FormPart> {
  const most = room + FILE_FIELDS.size; // each may be there without a file
  // Every part is a stream, with a file name or without: clients differ.
  const parts = request.files({
    isPartAFile: () => true,
    // The parser stops at each piece until it is read. By default it goes on while a part is below 64 KiB, and small frames
    // would all be in memory before the first is looked at, whether they are shown or not.
    fileHwm: 1,
    // Sizes are metered by the readers; the parser would cut a file that is too large in silence.
    limits: { files: most, parts: most, fileSize: Number.POSITIVE_INFINITY },
  });
  yield* withoutEmptyFields(namedParts(parts, count));
}

async function* namedParts(parts: AsyncIterable<MultipartFile>, count: CountBytes) {
  // Some parts have no name at all, whatever the parser's types say.
  for await (const { fieldname, filename, file } of wellFormed(parts))
    yield { name: fieldname ?? '', filename, chunks: counted(wellFormed(file), count) };
}

/** Says what the parser's own errors mean; what goes wrong with the parts themselves passes by. */
async function* wellFormed<Piece>(source: AsyncIterable<Piece>): AsyncGenerator<Piece> {
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

async function* counted(chunks: AsyncIterable<Buffer>, count: CountBytes): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}

/**
 * The problem of a part that belongs to no form.
 * @param name of the part, empty where it has none
 * @param known names of the form's parts
 * @param expected one sentence that lists them
 */
export function unexpectedPart(name: string, known: string[], expected: string): ProblemError {
  const meant = didYouMean(name, known);
  const what = name === '' ? 'There is a part without a name.' : meant ? `Did you mean \`${meant}\`?` : '';
  return new ProblemError('unexpected-part', `${what} ${expected}`.trim(), { part: name.slice(0, 64) });
}

/** @throws ProblemError upload-too-large */
export async function readAll(
  chunks: AsyncIterable<Buffer>,
  limit: number,
  place: { part?: string; frame?: number },
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
