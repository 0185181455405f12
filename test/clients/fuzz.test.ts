import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { startGvl, writtenText } from '../support/gvl.ts';
import { needing } from '../support/needs.ts';
import { startServer } from '../support/server.ts';
import { script } from './support.ts';

const needs = needing('test/clients');

t.setTimeout(590_000);

const KEY = 'a-key-for-the-fuzzer-alone';
const OUTCOMES = new URL('../../.cache/clients/fuzz/outcomes.json', import.meta.url);

/** Sends generated requests. @returns how many valid ones had each outcome, by operation and type of the body */
async function fuzz(t: Test, address: string, methods: string[], options: string[] = []) {
  const { code, out } = await script('fuzz/run.sh', [address, KEY, methods.join(), ...options]);
  t.equal(code, 0, out);
  t.comment(/^Test cases:\n.*$/m.exec(out)?.[0].replaceAll(/\s+/g, ' '));
  const outcomes: Record<string, number> = JSON.parse(await readFile(OUTCOMES, 'utf8'));
  for (const operation of ['scoreEpisode', 'scoreBatch']) {
    for (const type of ['application/json', 'multipart/form-data']) {
      for (const method of methods) {
        const scored = outcomes[`${operation} ${type} ${method}`] ?? 0;
        t.ok(scored >= 10, `${operation}, ${type}: ${scored} episodes were scored with ${method}`);
      }
    }
  }
  return outcomes;
}

t.test('the service behaves as openapi.yaml says for valid and invalid requests', needs, async (t) => {
  const { address } = await startServer(t, { EMBEDDED_THREADS: '2', LOG_LEVEL: 'info', API_KEYS: `fuzz=${KEY}` });
  const outcomes = await fuzz(t, address, ['topreward']);
  t.ok((outcomes['calibrate application/json result'] ?? 0) >= 10, 'calibrations were made');
});

/** What models write: all numbers, some of them, JSON, and nothing of use. */
const WRITTEN = [
  writtenText([10, 20, 30, 40, 50, 60]),
  'Frame 1: 10%\nFrame 1: 20%\nFrame 9: 5%\nFrame 2: 200%\nFrame 3: none',
  '{"1": 10, "2": 20, "3": 30.5, "4": 400, "5": null}',
  '\u0000\u2028"\\ 🤖 <|im_end|>',
  '',
];

t.test('the same for a service whose model writes texts', needs, async (t) => {
  const { address, fake } = await startGvl(t, {}, { API_KEYS: `fuzz=${KEY}` });
  fake.behaviour.fault = (_, __, count) => {
    fake.behaviour.text = WRITTEN[count % WRITTEN.length] ?? '';
  };
  const scoring = ['scoreEpisode', 'scoreBatch'].flatMap((operation) => ['--include-operation-id', operation]);
  await fuzz(t, address, ['topreward', 'instruction_likelihood', 'gvl'], [...scoring, '--phases', 'coverage']);
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
