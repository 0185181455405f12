import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';
import { PROBLEMS } from '../../schemas/problem-kinds.ts';
import { contractYaml } from './contract.ts';

const checkedIn = await readFile(new URL('../../openapi.yaml', import.meta.url), 'utf8');
const contract = parse(checkedIn) as Contract;
const operations = Object.entries(contract.paths).flatMap(([path, methods]) =>
  Object.values(methods).map((operation) => [path, operation] as const),
);

t.test('openapi.yaml is the contract that the service sends: `npm run openapi` writes it', async (t) => {
  t.equal(checkedIn, await contractYaml());
});

/** Their 503 has a `Health`: probes read a status, not a problem. */
const HEALTH = ['getLiveness', 'getReadiness'];

t.test('every operation has a name, and every problem its schema', async (t) => {
  const names = operations.map(([, { operationId }]) => operationId);
  t.equal(new Set(names).size, operations.length);
  t.ok(
    names.every((name) => /^[a-z][A-Za-z]+$/.test(name)),
    names.join(', '),
  );
  for (const [, { operationId, responses }] of operations) {
    for (const [status, { content }] of Object.entries(responses)) {
      if (Number(status) < 400 || (status === '503' && HEALTH.includes(operationId))) continue;
      const schema = content?.['application/problem+json']?.schema;
      t.same(schema, { $ref: '#/components/schemas/Problem' }, `${operationId} ${status}`);
    }
  }
});

t.test('every operation has a summary and a description, and every status an example and a request id', async (t) => {
  for (const [path, operation] of operations) {
    t.ok(operation.summary && operation.description, `${path}: ${operation.operationId}`);
    for (const [status, { headers, content = {} }] of Object.entries(operation.responses)) {
      t.ok(headers?.['x-request-id'], `${path} ${status}: x-request-id`);
      for (const [type, { examples = {} }] of Object.entries(content))
        t.not(Object.keys(examples).length, 0, `${path} ${status} ${type}`);
    }
  }
});

t.test(
  'every problem of the contract is an example of an operation, and those with a wait declare Retry-After',
  async (t) => {
    const responses = operations.flatMap(([, operation]) => Object.values(operation.responses));
    const shown = new Set<string>();
    for (const { headers, content } of responses) {
      const codes = Object.keys(content?.['application/problem+json']?.examples ?? {});
      for (const code of codes) shown.add(code);
      const waits = codes.some((code) => contract.components.examples[code]?.value.retry_after_s !== undefined);
      t.equal(headers?.['retry-after'] !== undefined, waits, codes.join(', '));
    }
    const elsewhere = ['not-found', 'method-not-allowed', 'precondition-failed', 'range-not-satisfiable'];
    t.strictSame([...shown, ...elsewhere].sort(), Object.keys(PROBLEMS).sort());
    for (const code of Object.keys(PROBLEMS))
      t.match(contract.components.schemas['Problem']?.properties?.['code']?.description, `\`${code}\``);
  },
);

t.test('every property and every schema is described', async (t) => {
  const { schemas } = contract.components;
  const described = (schema: Schema): boolean =>
    Boolean(schema.description) ||
    (schema.$ref !== undefined && described(schemas[schema.$ref.split('/').at(-1) as string] as Schema)) ||
    (schema.anyOf ?? []).some(described);
  for (const [name, schema] of Object.entries(schemas)) {
    t.ok(schema.description, name);
    for (const [property, inner] of Object.entries(schema.properties ?? {}))
      t.ok(described(inner), `${name}.${property}`);
  }
});

interface Schema {
  description?: string;
  $ref?: string;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
}

interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  responses: Record<
    string,
    {
      headers?: Record<string, unknown>;
      content?: Record<string, { schema: unknown; examples?: Record<string, unknown> }>;
    }
  >;
}

interface Contract {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; examples: Record<string, { value: { retry_after_s?: number } }> };
}
