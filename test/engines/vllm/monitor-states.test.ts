import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { createClient, type VllmClient } from '../../../src/engines/vllm/client.ts';
import { EngineFault } from '../../../src/engines/vllm/faults.ts';
import { type Monitor, watchEngine } from '../../../src/engines/vllm/monitor.ts';
import { QWEN3_VL } from '../../../src/families/qwen3-vl/family.ts';
import { TOPREWARD } from '../../../src/methods/topreward/method.ts';
import { startFakeVllm } from '../../support/fake-vllm.ts';

/** What the client does instead of a GET request or of `healthy`; undefined for the usual request. */
interface Script {
  get?: ((path: string, signal: AbortSignal) => Promise<never> | undefined) | undefined;
  healthy?: (() => Promise<boolean>) | undefined;
}

/**
 * Watches a fake vLLM. While it is ready it is checked only after `suspect`.
 * @returns the monitor and its log; `checks` counts the checks, `script` changes what the client does
 */
async function watch(t: Test, script: Script = {}, checkTimeoutMs = 10_000, replicas = 1) {
  const fake = await startFakeVllm();
  const client = createClient({ url: fake.url, apiKey: '', connections: 2 });
  const lines: { msg: string; level: number }[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let checks = 0;
  const scripted: VllmClient = {
    ...client,
    get(path, kind, signal) {
      if (path === '/version') checks += 1;
      return script.get?.(path, signal) ?? client.get(path, kind, signal);
    },
    healthy: (signal) => script.healthy?.() ?? client.healthy(signal),
  };
  const frame = { width: 32, height: 32 };
  const session = { sessionHeader: 'x-session-id', replicas } as const;
  const options = {
    url: fake.url,
    model: '',
    encoding: 'raw',
    frame,
    family: QWEN3_VL,
    defaultQuery: TOPREWARD,
    ...session,
  } as const;
  const monitor = watchEngine(scripted, { ...options, readyCheckMs: 600_000, unreadyCheckMs: 2, checkTimeoutMs }, log);
  t.teardown(async () => {
    await monitor.close();
    await client.close();
    await fake.close();
  });
  return { fake, monitor, script, lines, checks: () => checks };
}

/** Why the engine is not ready; undefined if it is ready. */
function reasonOf(monitor: Monitor): string | undefined {
  try {
    monitor.ready();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Waits until a condition is true. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

/** Waits until the engine is ready. @returns the probe */
async function ready(monitor: Monitor) {
  await until(() => reasonOf(monitor) === undefined);
  return monitor.ready();
}

const broken = () => Promise.reject(new EngineFault('refused', 'The engine returned status 500.'));

/** Waits like an engine that does not respond. */
const silence = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

t.test('the engine is ready after the first probe, and not before', async (t) => {
  const { monitor, lines } = await watch(t);
  t.throws(() => monitor.ready(), {
    code: 'engine-unavailable',
    message: 'The engine has not been probed yet.',
    place: { retry_after_s: 5 },
  });
  t.match((await ready(monitor)).served, { model: 'fake', engine: { version: '0.32.0' } });
  t.strictSame(
    lines.map(({ msg }) => msg),
    ['engine is ready'],
  );
});

t.test('a suspicion starts one check, and changes nothing before it is done', async (t) => {
  const { fake, monitor, script, checks } = await watch(t);
  const probed = await ready(monitor);
  const before = checks();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  script.get = (path) =>
    path === '/version' ? (promise.then(() => ({ version: '0.32.0' })) as Promise<never>) : undefined;
  for (let i = 0; i < 10; i += 1) monitor.suspect();
  await until(() => checks() > before);
  t.equal(monitor.ready(), probed);
  resolve(undefined);
  // As many requests as several checks would need.
  for (let i = 0; i < 8; i += 1) await fetch(`${fake.url}/health`);
  t.equal(monitor.ready(), probed);
  t.equal(checks(), before + 1);
  monitor.suspect();
  await until(() => checks() > before + 1);
  t.pass('the next suspicion starts the next check');
});

t.test('the third failed check in a row makes the engine not ready, and a response makes it ready again', async (t) => {
  const { monitor, script, checks, lines } = await watch(t);
  const probed = await ready(monitor);
  let [failures, before] = [2, checks()];
  script.get = () => {
    failures -= 1;
    return failures >= 0 ? broken() : undefined;
  };
  monitor.suspect();
  await until(() => checks() >= before + 3);
  t.equal(monitor.ready(), probed, 'two failures');
  await until(() => failures < -1);
  script.get = broken;
  before = checks();
  monitor.suspect();
  await until(() => reasonOf(monitor) !== undefined);
  t.equal(checks(), before + 3);
  t.equal(reasonOf(monitor), 'The engine cannot be used. The engine returned status 500.');
  await until(() => checks() > before + 5);
  t.equal(lines.filter(({ msg }) => msg.startsWith('engine is not ready')).length, 1, 'the log has it once');
  script.get = undefined;
  t.equal(await ready(monitor), probed, 'without a new probe');
});

t.test('an engine that is down is probed again when it is back', async (t) => {
  const { monitor, script, checks } = await watch(t);
  const probed = await ready(monitor);
  const before = checks();
  script.get = () => Promise.reject(new EngineFault('unreachable', 'The engine cannot be reached.'));
  script.healthy = async () => false;
  monitor.suspect();
  await until(() => reasonOf(monitor) === 'The engine cannot be reached.');
  t.ok(checks() >= before + 1);
  [script.get, script.healthy] = [undefined, undefined];
  t.not(await ready(monitor), probed);
});

t.test('one of several engines that is down does not make the others unready', async (t) => {
  const { monitor, script, checks } = await watch(t, {}, 10_000, 3);
  const probed = await ready(monitor);
  const before = checks();
  let asked = 0;
  // A router sends one of three requests to the engine that is gone.
  script.get = (path) => (path === '/version' && checks() <= before + 2 ? broken() : undefined);
  script.healthy = async () => asked++ % 3 !== 0;
  monitor.suspect();
  // The third check finds version and model, and asks nothing more.
  await until(() => checks() >= before + 3);
  t.equal(asked, 3, 'two checks failed, and each asked /health until an engine responded');
  t.equal(monitor.ready(), probed);
  script.get = broken;
  asked = 0;
  script.healthy = async () => {
    asked += 1;
    return false;
  };
  monitor.suspect();
  await until(() => reasonOf(monitor) !== undefined);
  t.equal(asked, 3, 'all are down: none responded');
});

t.test('failed checks before a new probe do not count after it', async (t) => {
  const { monitor, script, checks } = await watch(t);
  const probed = await ready(monitor);
  let [failures, before] = [2, checks()];
  script.get = (path) => (path === '/version' && failures-- > 0 ? broken() : undefined);
  script.healthy = async () => failures > 0;
  monitor.suspect();
  await until(() => reasonOf(monitor) !== undefined);
  t.ok(checks() >= before + 2, 'one failed check, and one that reports that the engine is down');
  const again = await ready(monitor);
  t.not(again, probed);
  [failures, before] = [2, checks()];
  script.healthy = async () => true;
  monitor.suspect();
  await until(() => checks() >= before + 3);
  t.equal(monitor.ready(), again, 'two failures');
});

t.test('an engine that does not respond in time is slow, not down', async (t) => {
  const { monitor, script } = await watch(t, {}, 50);
  const probed = await ready(monitor);
  script.get = (_, signal) => silence(signal);
  script.healthy = () => Promise.reject(new Error('no response to /health either'));
  monitor.suspect();
  await until(() => reasonOf(monitor) === 'The engine does not respond in time.');
  [script.get, script.healthy] = [undefined, undefined];
  t.equal(await ready(monitor), probed);
});

t.test('another version, model or context length needs a new probe', async (t) => {
  const { monitor, fake, script } = await watch(t);
  let probed = await ready(monitor);
  const other = Promise.resolve({ data: [{ id: 'other', max_model_len: 16_384 }] });
  const changes: [what: string, change: () => void][] = [
    ['version', () => Object.assign(fake.behaviour, { version: '0.33.0' })],
    ['context length', () => Object.assign(fake.behaviour, { contextTokens: 16_384 })],
    ['model', () => Object.assign(script, { get: (path: string) => (path === '/v1/models' ? other : undefined) })],
  ];
  for (const [what, change] of changes) {
    change();
    monitor.suspect();
    await until(() => reasonOf(monitor) !== undefined || monitor.ready() !== probed);
    const again = await ready(monitor);
    t.not(again, probed, what);
    probed = again;
  }
  t.match(probed.served, { engine: { version: '0.33.0' }, contextTokens: 16_384, model: 'other' });
});

t.test('a response of another engine drops the probe, but only the one that it belongs to', async (t) => {
  const { monitor } = await watch(t);
  const probed = await ready(monitor);
  monitor.changed({ ...probed });
  t.equal(monitor.ready(), probed, 'a late response of an earlier engine');
  monitor.changed(probed);
  t.match(reasonOf(monitor), /changed while it scored an episode/);
  t.not(await ready(monitor), probed);
});

t.test('a check that began before the engine changed does not make it ready', async (t) => {
  const { monitor, script, checks } = await watch(t);
  const probed = await ready(monitor);
  const before = checks();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  script.get = (path) => {
    if (path !== '/version') return undefined;
    script.get = undefined;
    return promise.then(() => ({ version: '0.32.0' })) as Promise<never>;
  };
  monitor.suspect();
  await until(() => checks() > before);
  monitor.changed(probed);
  resolve(undefined);
  const reasons = new Set<string | undefined>();
  await until(() => reasons.add(reasonOf(monitor)).has(undefined));
  t.strictSame(
    [...reasons],
    [
      'The engine changed while it scored an episode. It is being probed again.',
      'The engine now has another version or model. It is being probed again.',
      undefined,
    ],
  );
  t.not(monitor.ready(), probed);
});

t.test('what went wrong inside is in the log only', async (t) => {
  const { monitor, script, lines } = await watch(t, { get: () => Promise.reject(new TypeError('a secret')) });
  await until(() => reasonOf(monitor) !== 'The engine has not been probed yet.');
  t.equal(reasonOf(monitor), 'The probe of the engine failed. See the log for the cause.');
  t.match(lines, [{ level: 40, err: { message: 'a secret' } }]);
  script.get = undefined;
  await ready(monitor);
});

t.test('closing ends a check and a pause at once, without a message', async (t) => {
  const { monitor, script, lines, checks } = await watch(t, {}, 50);
  await ready(monitor);
  const before = checks();
  script.get = (_, signal) => silence(signal);
  monitor.suspect();
  await until(() => checks() > before);
  await monitor.close();
  t.equal(lines.length, 1);
  const slow = await watch(t, {}, 50);
  await ready(slow.monitor);
  const begun = slow.checks();
  let hasEnded = false;
  slow.script.get = (_, signal) =>
    silence(signal).catch(async (reason) => {
      await setImmediate();
      hasEnded = true;
      throw reason;
    });
  slow.monitor.suspect();
  await until(() => slow.checks() > begun);
  await slow.monitor.close();
  t.ok(hasEnded, 'a check that has begun has ended');
  const steady = await watch(t, {}, 50);
  await ready(steady.monitor);
  await steady.monitor.close();
  t.equal(steady.lines.length, 1);
});
