import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { fetch } from 'undici';
import { needing } from '../support/needs.ts';
import { freePort, start } from './engines.ts';

t.setTimeout(90_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIGURATION = join(ROOT, 'docker/vllm/haproxy.cfg');
/** How long the busy engine needs to respond to a health check: longer than the time between two of them. */
const BUSY_MS = 3000;
/** Several health checks of a busy engine. */
const WATCHED_MS = 14_000;

/** Starts an engine that responds with its name. @returns its address */
async function startEngine(t: Test, name: string, healthMs: number): Promise<string> {
  const server = createServer(async ({ url }, response) => {
    if (url === '/health') await sleep(healthMs);
    response.end(name);
  }).listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : '';
}

t.test('the log of a program is kept if it does not start', async (t) => {
  const port = await freePort();
  const log = join(ROOT, `.cache/pool-${port}.log`);
  t.teardown(() => rmSync(log, { force: true }));
  const listen = `require('node:http').createServer((_, response) => response.end()).listen(${port}, '127.0.0.1')`;
  const begun = (t: Test, source: string) =>
    start(t, [process.execPath, '-e', source], { port, path: '/', patienceS: 10 });
  await t.test('one that works', async (t) => {
    await begun(t, listen);
    t.ok(existsSync(log), 'a log while it runs');
  });
  t.notOk(existsSync(log), 'and none after it');
  await t.test('one that ends', async (t) => {
    await t.rejects(begun(t, 'process.exit(1)'), /is not ready: \.cache\/pool-\d+\.log/);
  });
  t.ok(existsSync(log), 'the log says why');
});

t.test('HAProxy: an engine that is busy keeps its episodes', needing('haproxy'), async (t) => {
  const port = await freePort();
  const env = {
    BIND: `127.0.0.1:${port}`,
    ENGINE_0: await startEngine(t, 'busy', BUSY_MS),
    ENGINE_1: await startEngine(t, 'idle', 0),
  };
  const router = await start(t, ['haproxy', '-f', CONFIGURATION], { port, path: '/version', env, patienceS: 10 });
  const engineOf = async (session: number) =>
    (await fetch(router.url, { headers: { 'x-session-id': `episode ${session}` } })).text();
  const sessions = Array.from({ length: 20 }, (_, i) => i);
  const before = await Promise.all(sessions.map(engineOf));
  t.ok(before.includes('busy') && before.includes('idle'), `episodes spread: ${before}`);
  const until = performance.now() + WATCHED_MS;
  while (performance.now() < until) {
    t.strictSame(await Promise.all(sessions.map(engineOf)), before, 'each episode stays on its engine');
    await sleep(1000);
  }
});
