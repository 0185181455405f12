import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';
import { contractYaml } from './contract.ts';

const checkedIn = await readFile(new URL('../../openapi.yaml', import.meta.url), 'utf8');

t.test('openapi.yaml is what the service gives: run `npm run openapi` when it is not', async (t) => {
  t.equal(checkedIn, await contractYaml());
});

/** They answer 503 with a `Health`: what asks them reads a status, not a problem. */
const HEALTH = ['getLiveness', 'getReadiness'];

t.test('every operation has a name, and every problem its schema', async (t) => {
  const { paths } = parse(checkedIn) as { paths: Record<string, Record<string, Operation>> };
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  const names = operations.map(({ operationId }) => operationId);
  t.equal(new Set(names).size, operations.length);
  t.ok(
    names.every((name) => /^[a-z][A-Za-z]+$/.test(name)),
    names.join(', '),
  );
  for (const { operationId, responses } of operations) {
    for (const [status, { content }] of Object.entries(responses)) {
      if (Number(status) < 400 || (status === '503' && HEALTH.includes(operationId))) continue;
      const schema = content?.['application/problem+json']?.schema;
      t.same(schema, { $ref: '#/components/schemas/Problem' }, `${operationId} ${status}`);
    }
  }
});

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, { schema: unknown }> }>;
}
