import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problems.ts';
import { readAll } from './form.ts';
import { tooLarge } from './limits.ts';

/**
 * Reads a complete body. If its length is announced, the bytes are written into one buffer as they arrive, so that memory never
 * contains them twice.
 * @param limit bytes
 * @throws ProblemError upload-too-large (before a byte is read, if the length is announced) or malformed-json
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
  return new ProblemError('malformed-json', 'The length of the body differs from `Content-Length`.');
}
