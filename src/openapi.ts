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
 * The document as generated clients want it: every titled object, union and enumeration a component of that name,
 * numbers and enumerations with the width and type that a generator would otherwise guess.
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
    return named(describeParts(spellOut(copy)));
  }
  /** In a form, a part with a schema of its own is JSON. The others are files. */
  function describeParts(content: Json): Json {
    const form = content['multipart/form-data'] as { schema: { $ref: string } } | undefined;
    if (!form) return content;
    const { properties } = schemas[form.schema.$ref.split('/').at(-1) as string] as { properties: Json };
    const parts = Object.keys(properties).filter((part) => (properties[part] as Json)['$ref']);
    const encoding = Object.fromEntries(parts.map((part) => [part, { contentType: 'application/json' }]));
    return { ...content, 'multipart/form-data': { ...form, encoding } };
  }
  function named(copy: Json): Json {
    const { title } = copy;
    if (typeof title !== 'string' || !(copy['type'] === 'object' || copy['anyOf'] || copy['enum'])) return copy;
    // A default belongs to the place where an enumeration is used.
    const { title: _, default: usual, ...schema } = copy;
    const known = schemas[title] as Json | undefined;
    if (known && !isDeepStrictEqual(withoutExamples(known), withoutExamples(schema)))
      throw new Error(`Two schemas are called ${title}.`);
    schemas[title] = { ...known, ...schema };
    return { $ref: `#/components/schemas/${title}`, ...(usual === undefined ? {} : { default: usual }) };
  }
  const { components, paths, ...head } = walk(document) as Json & { components?: Json };
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...head, paths, components: { ...components, schemas: sorted } };
}

/** Where a schema is a whole body its examples have been moved beside it. */
function withoutExamples({ examples: _, ...schema }: Json): Json {
  return schema;
}

/** Says what a schema means where generators guess: Go takes a bare number for 32 bits, and a bare enumeration for anything. */
function spellOut(schema: Json): Json {
  if (schema['type'] === 'number') return { type: 'number', format: 'double', ...schema };
  if (schema['type'] === 'integer') return { type: 'integer', format: 'int64', ...schema };
  const { enum: values } = schema;
  if (Array.isArray(values) && !schema['type'] && values.every((value) => typeof value === 'string'))
    return { type: 'string', ...schema };
  return schema;
}
