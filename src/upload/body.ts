import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../problems.ts';
import { readAll } from './form.ts';
import { tooLarge } from './limits.ts';

/**
 * Reads a whole body. Where its length is announced it is written to its place as it comes, and held once.
 * @param limit bytes
 * @throws ProblemError upload-too-large, before a byte is read where the length is announced; malformed-json
 */
export async function readBody(
  { headers }: Pick<FastifyRequest, 'headers'>,
  payload: AsyncIterable<Buffer>,
  limit: number,
): Promise<Buffer> {
  const announced = headers['content-length'];
  if (announced === undefined) return readAll(payload, limit, {});
  const length = Number(announced);
  if (length > limit) throw tooLarge(limit, {});
  const body = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for await (const chunk of payload) {
    if (filled + chunk.length > length) throw otherLength();
    filled += chunk.copy(body, filled);
  }
  if (filled < length) throw otherLength();
  return body;
}

function otherLength(): ProblemError {
  return new ProblemError('malformed-json', 'The body is not as long as Content-Length says.');
}
