import { createHash } from 'node:crypto';
import type { RouteHandlerMethod } from 'fastify';

/**
 * Responds with a document that never changes while the service runs. It is built once, when it is first requested, and all
 * responses share it: many requests at once take no memory or files of their own.
 * @param headers further headers of the document
 */
export function fixedDocument(
  type: string,
  build: () => string | Buffer | Promise<Buffer>,
  headers: Record<string, string> = {},
): RouteHandlerMethod {
  const built = once(async () => {
    const content = await build();
    return { content, etag: `"${createHash('sha256').update(content).digest('base64url')}"` };
  });
  return async (request, reply) => {
    const { content, etag } = await built();
    reply.headers({ etag, 'cache-control': 'no-cache', ...headers });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type(type).send(content);
  };
}

/** Calls a function when its value is first needed, and keeps the value. */
export function once<T>(build: () => T): () => T {
  let built: { value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}
