import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import Negotiator from 'negotiator';
import { pageHeaders } from '../src/http/page-headers.ts';

const PAGE = new URL('../reference/', import.meta.url);
const SCALAR = 'scalar.js.gz';
const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** The page runs only its own files and sends requests only to this service. Scalar sets styles inline. */
const HEADERS = pageHeaders(
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
);

/** The API reference at /docs. Its addresses are relative, so it also works behind a proxy that adds a path. */
export async function referenceRoutes(app: FastifyInstance): Promise<void> {
  const hidden = { schema: { hide: true } };
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  await app.register(fastifyStatic, {
    serve: false,
    root: fileURLToPath(PAGE),
    cacheControl: false,
    setHeaders(reply, path) {
      if (path.endsWith(SCALAR)) reply.headers({ 'content-type': JAVASCRIPT, 'content-encoding': 'gzip' });
    },
  });
  app.get('/docs', hidden, (_request, reply) => reply.sendFile('index.html'));
  app.get('/docs/', hidden, (_request, reply) => reply.redirect('../docs'));
  for (const name of ['reference.css', 'reference.js'])
    app.get(`/docs/${name}`, hidden, (_request, reply) => reply.sendFile(name));
  app.get('/docs/scalar.js', hidden, (request, reply) => {
    reply.header('vary', 'accept-encoding');
    if (new Negotiator(request.raw).encodings(['gzip']).length > 0) return reply.sendFile(SCALAR);
    const unpacked = pipeline(createReadStream(new URL(SCALAR, PAGE)), createGunzip(), () => {});
    return reply.type(JAVASCRIPT).send(unpacked);
  });
}
