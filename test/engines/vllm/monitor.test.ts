import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { type Behaviour, refuse } from '../../support/fake-vllm.ts';
import { ENGINE_WORDS } from '../../support/odd-answers.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

const destroy = (response: ServerResponse) => response.socket?.destroy() ?? true;
/** Sends no response. */
const silence = () => true;

/** Starts a service that checks its engine every few milliseconds, and waits until it is ready. */
async function watching(t: Test, checkTimeoutMs = 10_000) {
  const service = await startService(
    t,
    {},
    { ENGINE_FRAME_SIDE: '32' },
    { readyCheckMs: 5, unreadyCheckMs: 5, checkTimeoutMs },
  );
  await readiness(service.app, 200);
  const { fake, app } = service;
  const count = (path: string) => fake.requests.get(path) ?? 0;
  const at = (path: string, answer: (response: ServerResponse) => unknown): Behaviour['instead'] => {
    return (asked, response) => (asked === path ? answer(response) : undefined);
  };
  return {
    ...service,
    at,
    count,
    /** returns a function that is true until this many checks have been made from now on */
    looking(wanted: number) {
      const enough = count('/version') + wanted;
      return () => count('/version') < enough;
    },
    probes: () => count('/v1/chat/completions'),
    /** Requests /health/ready repeatedly while `goesOn` is true. @returns the different statuses */
    async statusesWhile(goesOn: () => boolean): Promise<number[]> {
      const seen = new Set<number>();
      do {
        seen.add((await app.inject('/health/ready')).statusCode);
        await setImmediate();
      } while (goesOn());
      return [...seen];
    },
  };
}

t.test('two failed checks in a row change nothing and start no probe', async (t) => {
  const { fake, at, looking, probes, statusesWhile } = await watching(t);
  const before = probes();
  for (const round of ['first', 'second', 'third']) {
    let misses = 2;
    fake.behaviour.instead = at('/version', (response) => {
      if (misses === 0) return undefined;
      misses -= 1;
      return refuse(response, 500, 'Internal server error');
    });
    t.strictSame(await statusesWhile(() => misses > 0), [200], round);
    // A successful check resets the count.
    t.strictSame(await statusesWhile(looking(2)), [200], round);
  }
  t.equal(probes(), before);
});

t.test('three failed checks in a row make the engine not ready; after a response it needs no probe', async (t) => {
  const { app, fake, address, at, count, probes } = await watching(t);
  const [before, looked] = [probes(), count('/version')];
  fake.behaviour.instead = at('/version', (response) => refuse(response, 500, ENGINE_WORDS));
  const { reason } = await readiness(app, 503);
  t.match(reason, /The engine cannot be used\. The engine returned status 500 for GET \/version/);
  t.ok(count('/version') >= looked + 3);
  t.match((await post(address, 2)).body, { code: 'engine-unavailable', detail: reason });
  fake.behaviour.instead = undefined;
  await readiness(app, 200);
  t.equal(probes(), before);
});

t.test('one failed check is enough if /health reports that the engine is down', async (t) => {
  const { app, fake, count, probes } = await watching(t);
  const [before, looked] = [probes(), count('/health')];
  fake.behaviour.instead = (path, response) =>
    path === '/health' ? response.writeHead(503).end() : path === '/version' ? destroy(response) : undefined;
  await readiness(app, 503);
  t.equal(count('/health'), looked + 1);
  fake.behaviour.instead = undefined;
  await readiness(app, 200);
  t.ok(probes() > before, 'the engine may have changed meanwhile');
});

t.test('a busy engine that responds slowly is not probed', async (t) => {
  const { app, fake, at, looking, probes, statusesWhile } = await watching(t, 500);
  const before = probes();
  let slow = 2;
  fake.behaviour.instead = (path) => {
    if (slow === 0 || (path !== '/version' && path !== '/health')) return undefined;
    if (path === '/health') slow -= 1;
    return silence();
  };
  t.strictSame(await statusesWhile(() => slow > 0), [200]);
  t.strictSame(await statusesWhile(looking(2)), [200]);
  fake.behaviour.instead = at('/version', silence);
  t.match((await readiness(app, 503)).reason, /does not respond in time/);
  fake.behaviour.instead = undefined;
  await readiness(app, 200);
  t.equal(probes(), before);
});

t.test('a broken connection affects only one episode', async (t) => {
  const { app, fake, address } = await startService(t);
  await readiness(app, 200);
  const probes = fake.requests.get('/v1/chat/completions') as number;
  const looks = fake.requests.get('/version') as number;
  fake.behaviour.fault = ({ text }, response) => (text.includes('Break.') ? destroy(response) : undefined);
  const episode = { prefixes: { last: 1 } };
  const [broken, other] = await Promise.all([
    post(address, 2, { ...episode, instruction: 'Break.' }),
    post(address, 2, episode),
  ]);
  t.match([broken.status, broken.body['code']], [503, 'engine-unavailable']);
  t.equal(other.status, 200);
  // The broken connection starts a check at once. If that check failed, the service would not be ready.
  while (fake.requests.get('/version') === looks) await setImmediate();
  t.equal((await app.inject('/health/ready')).statusCode, 200);
  t.equal((await post(address, 2, episode)).status, 200);
  // The broken query was sent four times, and two other episodes were scored.
  t.equal(fake.requests.get('/v1/chat/completions'), probes + 6);
});

t.test('an engine of another version is probed before it receives queries', async (t) => {
  const { app, fake, probes, address } = await watching(t);
  const before = probes();
  const asked = new Promise<void>((resolve) => {
    fake.behaviour.instead = (path) => {
      if (path === '/v1/chat/completions') resolve();
      return path === '/v1/chat/completions' ? true : undefined;
    };
  });
  fake.behaviour.version = '0.33.0';
  await asked;
  t.match((await post(address, 2)).body, { code: 'engine-unavailable', detail: /another version or model/ });
  t.equal(probes(), before + 1);
  await app.close();
});

t.test('a late response of the previous engine does not undo a probe', async (t) => {
  const { app, fake, address } = await startService(t);
  await readiness(app, 200);
  const held = new Promise<() => void>((resolve) => {
    fake.behaviour.send = (response, answer) => {
      fake.behaviour.send = undefined;
      const body = JSON.stringify({ ...answer, system_fingerprint: 'fake-0' });
      resolve(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body));
      return true;
    };
  });
  const late = post(address, 2, { prefixes: { last: 1 } });
  const release = await held;
  fake.behaviour.fingerprint = 'fake-2';
  t.equal((await post(address, 2)).body['code'], 'engine-unavailable');
  await readiness(app, 200);
  const probes = fake.requests.get('/v1/chat/completions');
  release();
  t.equal((await late).body['code'], 'engine-unavailable');
  t.equal((await app.inject('/health/ready')).statusCode, 200);
  t.equal(fake.requests.get('/v1/chat/completions'), probes);
});

t.test('the engine’s error text goes only to the log, shortened, and prompts go nowhere', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const words = `${ENGINE_WORDS} ${'x'.repeat(1e5)}`;
  const instead: Behaviour['instead'] = (path, response) =>
    path === '/tokenize' ? refuse(response, 400, words) : undefined;
  const { app, fake, address } = await startService(t, { instead }, {}, { log });
  const { reason } = await readiness(app, 503);
  t.match(reason, /^The engine cannot be used\. The engine returned status 400 for POST \/tokenize\.$/);
  t.ok(lines.some((line) => line.includes(ENGINE_WORDS)));
  t.ok(lines.every((line) => line.length < 5000));
  fake.behaviour.instead = undefined;
  await readiness(app, 200);
  lines.length = 0;
  for (const status of [400, 404, 500, 503]) {
    fake.behaviour.fault = ({ text }, response) =>
      refuse(response, status, `Failed to apply Qwen3VLProcessor on data={'text': ${JSON.stringify(text)}}`);
    const { body } = await post(address, 2, { instruction: 'Pet the okapi.' });
    t.notMatch(JSON.stringify(body), /okapi|Qwen3VLProcessor/);
  }
  t.ok(lines.length > 0);
  t.notMatch(lines.join(''), /okapi/);
});
