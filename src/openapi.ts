import { isDeepStrictEqual } from 'node:util';
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { SERVICE } from './version.ts';

type Json = { [key: string]: unknown };

/** The contract's own head; paths and schemas come from the routes. */
export const OPENAPI: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: SERVICE.name,
    version: SERVICE.version,
    description:
      'TOPReward over HTTP: progress rewards for robot episodes from any video vision-language model, exact to the paper and in one pass.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [
    { url: '/', description: 'Where this document came from.' },
    { url: 'http://127.0.0.1:8080', description: 'As started without configuration.' },
  ],
  tags: [
    { name: 'rewards', description: 'Score episodes.' },
    { name: 'calibration', description: 'Find where success begins, and bounds for progress.' },
    { name: 'service', description: 'What is served, and whether it is well.' },
  ],
  components: {
    securitySchemes: {
      apiKey: { type: 'http', scheme: 'bearer', description: 'Needed where the operator has set API_KEYS.' },
    },
  },
};

/**
 * Moves every titled object or union of a document to components, so that generated clients get named types.
 * @throws Error when two different schemas have one title
 */
export function nameSchemas(document: object): Json {
  const schemas: Json = {};
  function walk(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== 'object') return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, key === 'examples' ? inner : walk(inner)]),
    );
    const { title } = copy;
    if (typeof title !== 'string' || (copy['type'] !== 'object' && !copy['anyOf'])) return copy;
    const { title: _, ...schema } = copy;
    if (schemas[title] && !isDeepStrictEqual(schemas[title], schema))
      throw new Error(`Two schemas are called ${title}.`);
    schemas[title] = schema;
    return { $ref: `#/components/schemas/${title}` };
  }
  const { components, paths, ...head } = walk(document) as Json & { components?: Json };
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...head, paths, components: { ...components, schemas: sorted } };
}
