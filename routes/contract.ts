import type { FastifyInstance } from 'fastify';
import { stringify } from 'yaml';
import { fixedDocument, once } from '../src/http/documents.ts';
import { nameSchemas } from '../src/http/openapi.ts';

/** The contract as JSON and as YAML. Both are built once, when they are first requested. Register it before all other routes. */
export function serveContract(app: FastifyInstance): void {
  const contract = once(() => nameSchemas(app.swagger()));
  const json = fixedDocument('application/json; charset=utf-8', () => JSON.stringify(contract()));
  const yaml = fixedDocument('application/yaml; charset=utf-8', () => stringify(contract(), { lineWidth: 120 }));
  const hidden = { schema: { hide: true } };
  app.get('/openapi.json', hidden, json);
  app.get('/docs/json', hidden, json);
  app.get('/docs/yaml', hidden, yaml);
}
