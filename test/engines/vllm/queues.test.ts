import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { buildApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { createEmbeddedEngine } from '../../../src/engines/embedded/embedded.ts';
import { TOPREWARD } from '../../../src/methods/topreward/method.ts';
import { readiness } from '../../support/readiness.ts';
import { MODEL_DIR } from '../embedded/support.ts';
import { post, startService } from './support.ts';

type App = Awaited<ReturnType<typeof startService>>['app'];

/** The values of a metric by queue. */
async function byQueue(app: App, metric: 'active' | 'waiting'): Promise<Record<string, number>> {
  const { body } = await app.inject('/metrics');
  const found = body.matchAll(new RegExp(`^topreward_queue_${metric}\\{queue="([^"]+)"\\} (\\d+)$`, 'gm'));
  return Object.fromEntries([...found].map(([, queue, value]) => [queue, Number(value)]));
}

t.test('the metrics say how many requests to the engine are in progress, and how many wait', async (t) => {
  const { fake, app, address } = await startService(t, {}, { ENGINE_CONCURRENCY: '2' });
  await readiness(app, 200);
  t.equal((await byQueue(app, 'active'))['engine'], 0);
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  // The response for the longest prefix comes at once, those for the others when the test has looked.
  fake.behaviour.send = (response, answer) => {
    if (fake.asked.length === 1) return undefined;
    until.then(() => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)));
    return true;
  };
  const scored = post(address, 8, { prefixes: { every: 1 } });
  while ((await byQueue(app, 'waiting'))['engine'] !== 5) await setImmediate();
  t.equal((await byQueue(app, 'active'))['engine'], 2);
  open();
  t.equal((await scored).status, 200);
  t.match([(await byQueue(app, 'active'))['engine'], (await byQueue(app, 'waiting'))['engine']], [0, 0]);
});

t.test('texts of one tenant delay neither the queries of another nor its texts', async (t) => {
  const [many, few] = ['the-key-of-many-texts', 'the-key-of-few-texts'];
  const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
  const keys = { API_KEYS: `many=${many},few=${few}`, ENGINE_CONCURRENCY: '8' };
  const { fake, app, address } = await startService(t, {}, keys);
  await readiness(app, 200);
  // A text ends when the test lets it. Queries end at once.
  const { promise: until, resolve: end } = Promise.withResolvers<void>();
  fake.behaviour.send = (response, answer) => {
    if (!JSON.stringify(answer).includes('finish_reason')) return undefined;
    until.then(() => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)));
    return true;
  };
  const texts = Array.from({ length: 8 }, () => post(address, 2, { method: 'gvl' }, as(many)));
  while ((await byQueue(app, 'waiting'))['engine-texts'] !== 6) await setImmediate();
  t.equal((await byQueue(app, 'active'))['engine-texts'], 2, 'a tenant has half of the places for texts');
  texts.push(post(address, 2, { method: 'gvl' }, as(few)));
  while ((await byQueue(app, 'active'))['engine-texts'] !== 3) await setImmediate();
  t.equal((await byQueue(app, 'waiting'))['engine-texts'], 6, 'the text of another tenant has a place');
  t.equal((await post(address, 8, { prefixes: { every: 1 } }, as(few))).status, 200, 'queries have places');
  end();
  for (const { status } of await Promise.all(texts)) t.equal(status, 200);
});

t.test('docs/reference/metrics.md names every queue', async (t) => {
  const { app: vllm } = await startService(t);
  const config = loadConfig({ MODEL_DIR, RENDER_WORKERS: '1' });
  const log = pino({ level: 'silent' });
  const embedded = await buildApp(config, await createEmbeddedEngine(config, log, TOPREWARD));
  t.teardown(() => embedded.close());
  const shown = new Set([
    ...Object.keys(await byQueue(vllm, 'waiting')),
    ...Object.keys(await byQueue(embedded, 'waiting')),
  ]);
  const text = await readFile(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('## Queues'), text.indexOf('## Of the process'));
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, queue]) => queue));
  t.strictSame(named.filter((queue) => queue !== 'queue').sort(), [...shown].sort());
});
