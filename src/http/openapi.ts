import { isDeepStrictEqual } from 'node:util';
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { SERVICE } from '../process/version.ts';

type Json = { [key: string]: unknown };

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The parts of the contract that do not come from the routes. */
export const OPENAPI: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: SERVICE.name,
    version: SERVICE.version,
    description: [
      'TOPReward over HTTP: progress rewards for robot episodes, from any Qwen3-VL model that vLLM serves, without training.',
      'Send the frames of an **episode** and an instruction. For each **prefix** (the first n frames), the service asks the model whether the robot completes the task. It returns the **log probability** of the token True, in nats, and computes progress, a score and a success flag from it.',
      'Errors are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems. Their `type` is the path of a page that this service serves: see [`/problems`](/problems).',
      'The service keeps no episodes, so any request may be repeated. It may keep recent frames of growing episodes for a while.',
    ].join('\n\n'),
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [
    { url: '/', description: 'The service that this document came from.' },
    { url: 'http://127.0.0.1:8080', description: 'The default address.' },
  ],
  tags: [
    { name: 'rewards', description: 'Score episodes.' },
    { name: 'calibration', description: 'Find a success threshold and progress bounds.' },
    { name: 'service', description: 'The model, health and metrics.' },
  ],
  components: {
    securitySchemes: {
      apiKey: {
        type: 'http',
        scheme: 'bearer',
        description: 'An API key. Required if the operator has set `API_KEYS`.',
      },
    },
  },
};

const HEADERS = {
  'x-request-id': {
    schema: { type: 'string' },
    description: 'Id of this request, as in the log and in the `instance` of a problem.',
  },
  'retry-after': {
    schema: { type: 'integer', format: 'int64' },
    description: 'Seconds to wait before a retry.',
  },
};

/**
 * The document in the form that generated clients need: every titled object, union and enumeration is a component of that
 * name, and numbers and enumerations have the width and type that a generator would otherwise guess. Examples that operations
 * share are components too, and every response declares its request id.
 * @throws Error when two different schemas have one title, or a reference names no schema
 */
export function nameSchemas(document: object): Json {
  const schemas: Record<string, Json> = {};
  function walk(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(walk);
    if (!isJson(value)) return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, key === 'examples' || key === 'example' ? inner : walk(inner)]),
    );
    return named(describeParts(spellOut(copy)));
  }
  /** In a form, a part with a schema of its own is JSON. Other parts are files. */
  function describeParts(content: Json): Json {
    const form = content['multipart/form-data'];
    if (!isJson(form)) return content;
    const { properties } = referenced(form['schema']);
    const parts = Object.entries(properties ?? {}).filter(([, part]) => isJson(part) && part['$ref']);
    const encoding = Object.fromEntries(parts.map(([part]) => [part, { contentType: 'application/json' }]));
    return { ...content, 'multipart/form-data': { ...form, encoding } };
  }
  function referenced(reference: unknown): Json {
    const path = isJson(reference) ? reference['$ref'] : undefined;
    const schema = schemas[`${path}`.replace(/^.*\//, '')];
    if (!schema) throw new Error(`There is no schema ${path}.`);
    return schema;
  }
  function named(copy: Json): Json {
    const { title } = copy;
    if (typeof title !== 'string' || !(copy['type'] === 'object' || copy['anyOf'] || copy['enum'])) return copy;
    // A default belongs to the property that uses the enumeration, not to the enumeration.
    const { title: _, default: usual, ...schema } = copy;
    const known = schemas[title];
    if (known && !isDeepStrictEqual(withoutExamples(known), withoutExamples(schema)))
      throw new Error(`Two different schemas have the title ${title}.`);
    schemas[title] = { ...known, ...schema };
    return { $ref: `#/components/schemas/${title}`, ...(usual === undefined ? {} : { default: usual }) };
  }
  const walked = walk(document);
  if (!isJson(walked)) throw new Error('The contract is not an object.');
  const { components, paths, ...head } = walked;
  // @fastify/swagger has built them, in the form that OpenAPI requires.
  const examples = shareParts(paths as Paths);
  const shared = { schemas: sorted(schemas), examples: sorted(examples), headers: HEADERS };
  return { ...head, paths, components: { ...(isJson(components) && components), ...shared } };
}

type Paths = Record<string, Record<string, Operation>>;

interface Operation {
  requestBody?: { description?: string };
  responses: Record<string, Response>;
}

interface Response {
  headers?: Json;
  content?: Record<string, { schema: unknown; examples?: Json }>;
}

/**
 * Moves to components what most operations have alike: headers, and the examples of problems. Every response has a request id
 * (a hook in guards.ts sets it).
 * @returns the examples, by problem code
 */
function shareParts(paths: Paths): Json {
  const examples: Json = {};
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  // @fastify/swagger copies it from the schema of the body, which is a component.
  for (const { requestBody } of operations) delete requestBody?.description;
  const responses = operations.flatMap((operation) => Object.values(operation.responses));
  for (const response of responses) {
    const names = ['x-request-id', ...Object.keys(response.headers ?? {})];
    response.headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
    const problems = response.content?.['application/problem+json'];
    if (!problems?.examples) continue;
    Object.assign(examples, problems.examples);
    const codes = Object.keys(problems.examples);
    problems.examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  }
  return examples;
}

function sorted(components: Json): Json {
  return Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** If a schema is a complete body, its examples have been moved beside it. */
function withoutExamples({ examples: _, ...schema }: Json): Json {
  return schema;
}

/** Adds what generators would guess: Go reads a number without a format as 32 bits, and an enumeration without a type as anything. */
function spellOut(schema: Json): Json {
  if (schema['type'] === 'number') return { type: 'number', format: 'double', ...schema };
  if (schema['type'] === 'integer') return { type: 'integer', format: 'int64', ...schema };
  const { enum: values } = schema;
  if (Array.isArray(values) && !schema['type'] && values.every((value) => typeof value === 'string'))
    return { type: 'string', ...schema };
  return schema;
}
