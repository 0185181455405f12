import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { didYouMean } from '../checking/did-you-mean.ts';
import { memberOf } from '../json/member.ts';
import { ProblemError } from '../problems/problems.ts';
import { FILE_FIELDS, withoutEmptyFields } from './empty-fields.ts';
import { tooLarge } from './limits.ts';

/** Counts the bytes of an upload as they arrive. @throws ProblemError upload-too-large; server-busy if there is no memory for them */
export type CountBytes = (bytes: number) => void;

/** One part of a form. Read it before you ask for the next one. */
export interface FormPart {
  name: string;
  chunks: AsyncIterable<Buffer>;
}

/**
 * Yields the parts of a form as they arrive.
 * @param room how many parts are accepted, not counting empty fields
 * @param count is called with the number of bytes of each chunk
 * @throws ProblemError malformed-multipart, or the errors of `count`
 */
export async function* formParts(request: FastifyRequest, room: number, count: CountBytes): AsyncGenerator<FormPart> {
  const most = room + FILE_FIELDS.size; // each of them can be empty
  // Clients differ in whether they send a file name, so every part is read as a stream.
  const parts = request.files({
    isPartAFile: () => true,
    // The parser stops after each chunk until it is read. By default it continues while a part is below 64 KiB: all small frames
    // would be in memory before the first one is checked, including those that are not sampled.
    fileHwm: 1,
    // The readers check the sizes. The parser would truncate a file that is too large without an error.
    limits: { files: most, parts: most, fileSize: Number.POSITIVE_INFINITY },
  });
  yield* withoutEmptyFields(namedParts(parts, count));
}

async function* namedParts(parts: AsyncIterable<MultipartFile>, count: CountBytes) {
  // A part can have no name, although the parser's types say otherwise.
  for await (const { fieldname, filename, file } of wellFormed(parts))
    yield { name: fieldname ?? '', filename, chunks: counted(wellFormed(file), count) };
}

/** Converts the parser's own errors to problems. Errors in the contents of the parts are not affected. */
async function* wellFormed<Piece>(source: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  try {
    yield* source;
  } catch (error) {
    if (isCoded(error)) throw error;
    const detail = 'The form has no boundary, or it is cut off or broken. Use an HTTP library to build the form.';
    throw new ProblemError('malformed-multipart', detail, {}, error);
  }
}

/** Whether the error handler knows this error of the parser. */
function isCoded(error: unknown): boolean {
  return String(memberOf(error, 'code')).startsWith('FST_');
}

async function* counted(chunks: AsyncIterable<Buffer>, count: CountBytes): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}

/**
 * The problem of a part that the form does not have.
 * @param name name of the part, empty if it has none
 * @param known names of the form's parts
 * @param expected one sentence that lists them
 */
export function unexpectedPart(name: string, known: string[], expected: string): ProblemError {
  const meant = didYouMean(name, known);
  const hint = meant ? `Did you mean \`${meant}\`? ` : '';
  const what = name === '' ? 'There is a part without a name.' : 'There is no part with this name.';
  return new ProblemError('unexpected-part', `${what} ${hint}${expected}`, { part: name.slice(0, 64).toWellFormed() });
}

/**
 * Reads all chunks of a part or a body.
 * @param limit bytes
 * @param place the part, for problems
 * @throws ProblemError upload-too-large
 */
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
