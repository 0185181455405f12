import { createHash } from 'node:crypto';
import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import { stringify } from 'yaml';
import { nameSchemas } from '../src/http/openapi.ts';

/** The contract as JSON and as YAML. Both are built once, when they are first requested. Register it before all other routes. */
export function serveContract(app: FastifyInstance): void {
  const contract = once(() => nameSchemas(app.swagger()));
  const json = answer('application/json; charset=utf-8', () => JSON.stringify(contract()));
  const yaml = answer('application/yaml; charset=utf-8', () => stringify(contract(), { lineWidth: 120 }));
  const hidden = { schema: { hide: true } };
  app.get('/openapi.json', hidden, json);
  app.get('/docs/json', hidden, json);
  app.get('/docs/yaml', hidden, yaml);
}

function answer(type: string, build: () => string): RouteHandlerMethod {
  const built = once(() => {
    const text = build();
    return { text, etag: `"${createHash('sha256').update(text).digest('base64url')}"` };
  });
  return (request, reply) => {
    const { text, etag } = built();
    reply.headers({ etag, 'cache-control': 'no-cache' });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type(type).send(text);
  };
}

function once<T>(build: () => T): () => T {
  let built: { value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}
