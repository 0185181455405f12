import t from 'tap';
import { nameSchemas } from '../../src/http/openapi.ts';

t.test('two different schemas cannot have one title', async (t) => {
  const body = (type: string) => ({ title: 'Same', type: 'object', properties: { a: { type } } });
  const of = (...schemas: object[]) => ({
    paths: Object.fromEntries(
      schemas.map((schema, i) => [
        `/${i}`,
        { get: { responses: { 200: { content: { 'application/json': { schema } } } } } },
      ]),
    ),
  });
  t.ok(nameSchemas(of(body('string'), body('string'))));
  t.throws(() => nameSchemas(of(body('string'), body('number'))), /Two different schemas have the title Same/);
});
