import { readFile } from 'node:fs/promises';
import t from 'tap';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { script } from './support.ts';

const needs = needing('test/clients');

t.setTimeout(300_000);

const KEY = 'a-key-for-the-fuzzer-alone';
const OUTCOMES = new URL('../../.cache/clients/fuzz/outcomes.json', import.meta.url);

t.test('the service behaves as openapi.yaml says for valid and invalid requests', needs, async (t) => {
  const { address } = await startServer(t, { EMBEDDED_THREADS: '2', LOG_LEVEL: 'info', API_KEYS: `fuzz=${KEY}` });
  const { code, out } = await script('fuzz/run.sh', [address, KEY]);
  t.equal(code, 0, out);
  const outcomes: Record<string, number> = JSON.parse(await readFile(OUTCOMES, 'utf8'));
  for (const operation of ['scoreEpisode', 'scoreBatch']) {
    for (const type of ['application/json', 'multipart/form-data']) {
      const scored = outcomes[`${operation} ${type} result`] ?? 0;
      t.ok(scored >= 10, `${operation}, ${type}: ${scored} episodes were scored`);
    }
    for (const method of ['topreward', 'instruction_likelihood']) {
      const scored = outcomes[`${operation} ${method}`] ?? 0;
      t.ok(scored >= 10, `${operation}: ${scored} episodes were scored with ${method}`);
    }
  }
  t.ok((outcomes['calibrate application/json result'] ?? 0) >= 10, 'calibrations were made');
  t.comment(/^Test cases:\n.*$/m.exec(out)?.[0].replaceAll(/\s+/g, ' '));
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
