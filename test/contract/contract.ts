import { stringify } from 'yaml';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine } from '../../src/engine/engine.ts';

const noEngine: Engine = {
  queues: {},
  describe() {
    throw new Error('The contract needs no engine.');
  },
  alive: () => true,
  async textOf() {
    throw new Error('The contract needs no engine.');
  },
  async tokenIdsOf() {
    throw new Error('The contract needs no engine.');
  },
  async controlTokenIn() {
    throw new Error('The contract needs no engine.');
  },
  // biome-ignore lint/correctness/useYield: it is never called
  async *score() {
    throw new Error('The contract needs no engine.');
  },
  async generate() {
    throw new Error('The contract needs no engine.');
  },
  async close() {},
};

/** The text of openapi.yaml: the contract that the service sends. */
export async function contractYaml(): Promise<string> {
  const app = await buildApp(loadConfig({}), noEngine);
  const { statusCode, body } = await app.inject('/openapi.json');
  await app.close();
  if (statusCode !== 200) throw new Error(`The service sent no contract: ${body}`);
  return stringify(JSON.parse(body), { lineWidth: 120 });
}
