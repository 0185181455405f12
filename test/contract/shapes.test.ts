import t from 'tap';
import { parse } from 'yaml';
import { contractYaml } from './contract.ts';

// What generated clients need in every schema: docs/how-to/generate-a-client.md says why.

interface Schema {
  type?: string;
  enum?: unknown[];
  format?: string;
  additionalProperties?: unknown;
  $ref?: string;
}
const contract = parse(await contractYaml());
const operations = Object.entries(contract.paths).flatMap(([path, methods]) =>
  Object.entries(methods as object).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
);

/** Every schema below a part of the document, once, with the place where it was found first. */
function schemasOf(start: unknown, at: string): Map<Schema, string> {
  const found = new Map<Schema, string>();
  function walk(value: unknown, place: string) {
    if (value === null || typeof value !== 'object' || found.has(value)) return;
    found.set(value, place);
    for (const [key, inner] of Object.entries(value)) {
      if (key === '$ref') walk(contract.components.schemas[inner.split('/').at(-1)], inner.split('/').at(-1));
      else if (key !== 'examples') walk(inner, `${place}/${key}`);
    }
  }
  walk(start, at);
  return found;
}
const all = schemasOf(contract.paths, 'paths');
const named = new Set(Object.values(contract.components.schemas));

t.test('responses may gain members: no object in a response is closed', async (t) => {
  for (const { name, operation } of operations) {
    for (const [schema, place] of schemasOf(operation.responses, name))
      if (schema.type === 'object') t.notOk('additionalProperties' in schema, place);
  }
});

// A calibration, for example: a client sends a response back unchanged, even if a later version has added members to it.
const inResponses = new Set(operations.flatMap(({ operation }) => [...schemasOf(operation.responses, '').keys()]));

t.test(
  'unknown options are refused: every object in a request is closed, except those that are also in a response',
  async (t) => {
    const requests = operations.filter(({ operation }) => operation.requestBody);
    t.ok(requests.length > 0);
    for (const { name, operation } of requests) {
      for (const [schema, place] of schemasOf(operation.requestBody, name))
        if (schema.type === 'object' && !inResponses.has(schema)) t.equal(schema.additionalProperties, false, place);
    }
  },
);

t.test('every object and every enumeration with several values has a title', async (t) => {
  for (const [schema, place] of all) {
    if (schema.type === 'object') t.ok(named.has(schema), place);
    if (Array.isArray(schema.enum) && schema.enum.length > 1) t.ok(named.has(schema), place);
  }
});

t.test('every number has a width and every enumeration a type', async (t) => {
  for (const [schema, place] of all) {
    if (schema.type === 'number') t.equal(schema.format, 'double', place);
    if (schema.type === 'integer') t.equal(schema.format, 'int64', place);
    if (Array.isArray(schema.enum)) t.equal(schema.type, 'string', place);
  }
});

t.test('JSON is the first body of every request, and a part of a form that is JSON has this type', async (t) => {
  for (const { name, operation } of operations) {
    const content = operation.requestBody?.content;
    if (!content) continue;
    t.equal(Object.keys(content)[0], 'application/json', name);
    const form = content['multipart/form-data'];
    if (!form) continue;
    const { properties } = contract.components.schemas[form.schema.$ref.split('/').at(-1)];
    for (const [part, schema] of Object.entries<Schema>(properties))
      t.equal(form.encoding[part]?.contentType, schema.$ref && 'application/json', `${name}: ${part}`);
  }
});
