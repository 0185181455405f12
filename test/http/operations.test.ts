import Fastify, { type FastifyInstance } from 'fastify';
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/config/config.ts';
import { answerError } from '../../src/http/error-handler.ts';
import { protectOperations } from '../../src/http/operations.ts';
import { createFairQueue } from '../../src/limits/fair-queue.ts';
import { isProblem } from '../support/answers.ts';
import { stubEngine } from '../support/stub-engine.ts';

const KEY = 'ada-key-0123456789';

/** An app with operations of the test, in a scope like that of the service. */
async function withOperations(t: Test, add: (scope: FastifyInstance) => void): Promise<FastifyInstance> {
  const app = Fastify();
  t.teardown(() => app.close());
  app.setErrorHandler(answerError);
  const service = {
    config: loadConfig({ API_KEYS: `ada=${KEY}` }),
    engine: stubEngine(),
    admission: createFairQueue({}),
  };
  await app.register(
    async (scope) => {
      protectOperations(scope, service);
      add(scope);
    },
    { prefix: '/v1' },
  );
  return app;
}

t.test('a new operation requires a key, and knows its tenant', async (t) => {
  const app = await withOperations(t, (scope) => {
    scope.get('/new', async ({ tenant }) => ({ tenant }));
    scope.register(async (inner) => {
      inner.get('/inner', async ({ tenant }) => ({ tenant }));
    });
  });
  for (const url of ['/v1/new', '/v1/inner']) {
    isProblem(t, await app.inject(url), 'unauthorized');
    isProblem(t, await app.inject({ url, headers: { authorization: 'Bearer wrong' } }), 'unauthorized');
    const { body } = await app.inject({ url, headers: { authorization: `Bearer ${KEY}` } });
    t.strictSame(JSON.parse(body), { tenant: 'ada' });
  }
});

t.test('an operation is open if it says so', async (t) => {
  const app = await withOperations(t, (scope) => {
    scope.get('/new', { config: { open: true } }, async ({ tenant }) => ({ tenant }));
  });
  const { statusCode, body } = await app.inject('/v1/new');
  t.equal(statusCode, 200);
  t.strictSame(JSON.parse(body), { tenant: '' });
});

t.test('an operation with a body and without limits is a mistake', async (t) => {
  const add = (scope: FastifyInstance) => scope.post('/new', { schema: { body: {} } }, async () => 'done');
  await t.rejects(withOperations(t, add), /\/v1\/new has a body but no limits/);
});
