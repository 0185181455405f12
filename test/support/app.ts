import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Test } from 'tap';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { stubEngine } from './stub-engine.ts';

/** Waits until a signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** The real app with the given settings. It is closed when the test ends. */
export async function buildTestApp(
  t: Test,
  settings: Record<string, string | number> = {},
  engine: Engine = stubEngine(),
  log?: FastifyBaseLogger,
): Promise<FastifyInstance> {
  const env = { RENDER_WORKERS: '1', ...settings };
  const config = loadConfig(Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])));
  const app = await buildApp(config, engine, log);
  t.teardown(() => app.close());
  return app;
}

/** An operation of the contract. */
export interface Operation {
  method: 'GET' | 'POST';
  url: string;
  /** whether it requires a key if `API_KEYS` is set */
  keyed: boolean;
}

/** Every operation of the contract: a new one is tested without a change in the tests. */
export async function operationsOf(app: FastifyInstance): Promise<Operation[]> {
  const { paths } = (await app.inject('/openapi.json')).json() as {
    paths: Record<string, Record<string, { security?: object[] }>>;
  };
  return Object.entries(paths).flatMap(([url, methods]) =>
    Object.entries(methods).map(([method, { security = [] }]) => ({
      method: method.toUpperCase() as Operation['method'],
      url,
      keyed: security.some((scheme) => 'apiKey' in scheme),
    })),
  );
}

/** Listens on a free port. @returns the port */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

export interface Load {
  active: number;
  waiting: number;
  bytes: number;
  /** bytes of rendered frames */
  frameBytes: number;
}

/** The load of the service, read from /metrics. */
export async function load(app: FastifyInstance): Promise<Load> {
  const { body } = await app.inject({ method: 'GET', url: '/metrics' });
  const read = (name: string) => Number(new RegExp(`^topreward_${name} (\\d+)`, 'm').exec(body)?.[1]);
  return {
    active: read('episodes_active'),
    waiting: read('episodes_waiting'),
    bytes: read('upload_bytes_held'),
    frameBytes: read('frame_bytes_held'),
  };
}

/** A load that is not seen for this long does not come any more. */
const LOAD_MS = 20_000;

/** Checks after each turn of the event loop, until the service has this load. @throws Error if it never does */
export async function whenLoad(app: FastifyInstance, wanted: Partial<Load>): Promise<void> {
  const until = performance.now() + LOAD_MS;
  for (;;) {
    const seen = await load(app);
    if (Object.entries(wanted).every(([name, value]) => seen[name as keyof Load] === value)) return;
    if (performance.now() > until)
      throw new Error(`The load is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}.`);
    await new Promise(setImmediate);
  }
}
