import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import Negotiator from 'negotiator';
import { fixedDocument } from '../src/http/documents.ts';
import { pageHeaders } from '../src/http/page-headers.ts';

const PAGE = new URL('../reference/', import.meta.url);
const SCALAR = new URL('scalar.js.gz', PAGE);
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
  await app.register(fastifyStatic, { serve: false, root: fileURLToPath(PAGE), cacheControl: false });
  app.get('/docs', hidden, (_request, reply) => reply.sendFile('index.html'));
  app.get('/docs/', hidden, (_request, reply) => reply.redirect('../docs'));
  for (const name of ['reference.css', 'reference.js'])
    app.get(`/docs/${name}`, hidden, (_request, reply) => reply.sendFile(name));
  const vary = { vary: 'accept-encoding' };
  const packed = fixedDocument(JAVASCRIPT, () => readFile(SCALAR), { ...vary, 'content-encoding': 'gzip' });
  const plain = fixedDocument(JAVASCRIPT, async () => promisify(gunzip)(await readFile(SCALAR)), vary);
  app.get('/docs/scalar.js', hidden, function script(request, reply) {
    const isPacked = new Negotiator(request.raw).encodings(['gzip']).length > 0;
    return (isPacked ? packed : plain).call(this, request, reply);
  });
}
