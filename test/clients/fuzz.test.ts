import t from 'tap';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { fuzz, KEY } from './fuzz.ts';

const needs = needing('test/clients');

t.setTimeout(590_000);

t.test('the service behaves as openapi.yaml says for valid and invalid requests', needs, async (t) => {
  const { address } = await startServer(t, { EMBEDDED_THREADS: '2', LOG_LEVEL: 'info', API_KEYS: `fuzz=${KEY}` });
  const outcomes = await fuzz(t, address, ['topreward', 'instruction_likelihood']);
  t.ok((outcomes['calibrate application/json result'] ?? 0) >= 10, 'calibrations were made');
});

interface Contract {
  paths: Record<string, Record<string, { operationId: string; security: object[] }>>;
}

t.test('an operation requires a key if and only if openapi.yaml says so', async (t) => {
  const { address } = await startServer(t, { API_KEYS: `fuzz=${KEY}` });
  const contract = (await (await fetch(`${address}/openapi.json`)).json()) as Contract;
  const operations = Object.entries(contract.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
  );
  t.equal(operations.length, 7);
  for (const { operationId, security, path, method } of operations) {
    const ask = async (headers: Record<string, string>) =>
      (await fetch(`${address}${path}`, { method, headers })).status;
    const isLocked = security.length > 0;
    const others = [{}, { authorization: `Bearer ${KEY}x` }, { authorization: KEY }, { authorization: 'Bearer' }];
    for (const headers of others)
      t.equal((await ask(headers)) === 401, isLocked, `${operationId} with ${JSON.stringify(headers)}`);
    t.not(await ask({ authorization: `Bearer ${KEY}` }), 401, `${operationId} with its key`);
  }
});
