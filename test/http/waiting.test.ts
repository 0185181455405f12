import { once } from 'node:events';
import t from 'tap';
import { isProblem, resultOf } from '../support/answers.ts';
import { aborted, buildTestApp, listen, load, whenLoad } from '../support/app.ts';
import { episodePart, framePart, multipart, postEpisode, postParts } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { rawClient } from '../support/sockets.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const frame = await frameFile();
const form = multipart([episodePart(EPISODE), framePart(frame)]);

t.test(
  'with MAX_ACTIVE=1 and MAX_WAITING=1, the second request waits unread and the third is refused',
  { timeout: 20_000 },
  async (t) => {
    const { promise: until, resolve: open } = Promise.withResolvers<void>();
    const engine = stubEngine({ until });
    const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 1 }, engine);
    const port = await listen(app);
    const clients = await Promise.all([1, 2, 3].map(() => rawClient(t, port)));
    const [first, second, third] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0]];

    const called = engine.nextCall();
    first.post(form.payload.length);
    first.socket.write(form.payload);
    await called;
    t.match(await load(app), { active: 1, waiting: 0, bytes: frame.length }, 'only the frame is held in memory');

    // Its body is not valid: it can only wait without a response if the body is not read.
    second.post(100);
    second.socket.write('x'.repeat(100));
    await whenLoad(app, { active: 1, waiting: 1 });

    third.post(form.payload.length);
    const refused = await third.answer();
    isProblem(t, refused, 'server-busy', { limit: 1, retry_after_s: 2 });
    t.equal(refused.headers['retry-after'], '2');
    t.equal(engine.calls.length, 1);

    open();
    t.equal((await first.answer()).statusCode, 200);
    const answer = await second.answer();
    t.match(answer.statusCode, /^4/, 'the second request was read after the first');
    await whenLoad(app, { active: 0, waiting: 0 });
    t.equal((await load(app)).bytes, 0);
  },
);

t.test('requests wait until upload memory is free', { timeout: 20_000 }, async (t) => {
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  const engine = stubEngine({ until });
  const length = form.payload.length;
  const app = await buildTestApp(t, { UPLOAD_MEMORY_BYTES: Math.ceil(length * 2.5), MAX_WAITING: 2 }, engine);
  const post = () => postEpisode(app, EPISODE, [frame]);
  const answers = [post(), post(), post(), post()];
  await whenLoad(app, { active: 2, waiting: 2 });
  isProblem(t, await post(), 'server-busy', { limit: 2 });
  open();
  for (const answer of await Promise.all(answers)) {
    const { usage } = resultOf(t, answer);
    t.ok(usage.queued_ms >= 0);
  }
  t.strictSame(await load(app), { active: 0, waiting: 0, bytes: 0, frameBytes: 0 });
});

t.test('an upload without Content-Length reserves memory in steps as it arrives', { timeout: 20_000 }, async (t) => {
  const step = 4 * 1024 * 1024;
  const app = await buildTestApp(t, { UPLOAD_MEMORY_BYTES: 3 * step }, stubEngine());
  const port = await listen(app);
  const client = await rawClient(t, port);
  client.post(undefined);
  await whenLoad(app, { active: 1, waiting: 0 });
  t.equal((await load(app)).bytes, step, 'it does not reserve the maximum');
  const chunk = (bytes: Buffer) =>
    client.socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
  const files = multipart([episodePart(EPISODE), framePart(Buffer.concat([frame, Buffer.alloc(step)]))]);
  chunk(files.payload.subarray(0, step));
  chunk(files.payload.subarray(step, -30));
  await whenLoad(app, { active: 1, waiting: 0, bytes: 2 * step });
  const other = await rawClient(t, port);
  other.post(undefined);
  await whenLoad(app, { active: 2, waiting: 0, bytes: 3 * step });
  // This needs more than the remaining memory. An upload that already holds memory is refused instead of waiting.
  const more = multipart([framePart(Buffer.alloc(2 * step))]).payload;
  other.socket.write(Buffer.concat([Buffer.from(`${more.length.toString(16)}\r\n`), more]));
  isProblem(t, await other.answer(), 'server-busy', { retry_after_s: 2 });
  await whenLoad(app, { active: 1, waiting: 0, bytes: 2 * step });
  chunk(files.payload.subarray(-30));
  client.socket.write('0\r\n\r\n');
  t.equal((await client.answer()).statusCode, 200);
  await whenLoad(app, { active: 0, waiting: 0, bytes: 0 });
});

t.test('one tenant can use at most half of the capacity', { timeout: 20_000 }, async (t) => {
  const keys = { alice: 'a'.repeat(20), bob: 'b'.repeat(20) };
  const tenants = Object.entries(keys).map(([name, key]) => `${name}=${key}`);
  const app = await buildTestApp(t, { MAX_ACTIVE: 4, API_KEYS: tenants.join(',') }, stubEngine());
  const port = await listen(app);
  for (const _ of [1, 2, 3, 4]) {
    const silent = await rawClient(t, port);
    silent.post(100, { authorization: `Bearer ${keys.alice}` });
  }
  await whenLoad(app, { active: 2, waiting: 2 });
  const parts = [episodePart(EPISODE), framePart(frame)];
  resultOf(t, await postParts(app, parts, { authorization: `Bearer ${keys.bob}` }));
});

t.test('a lone tenant with two keys can use the full capacity', { timeout: 20_000 }, async (t) => {
  const keys = ['a'.repeat(20), 'b'.repeat(20)];
  const app = await buildTestApp(
    t,
    { MAX_ACTIVE: 4, API_KEYS: keys.map((key) => `lab=${key}`).join(',') },
    stubEngine(),
  );
  const port = await listen(app);
  for (const key of [...keys, ...keys]) {
    const silent = await rawClient(t, port);
    silent.post(100, { authorization: `Bearer ${key}` });
  }
  await whenLoad(app, { active: 4, waiting: 0 });
});

t.test('the engine call is aborted if the client disconnects', { timeout: 20_000 }, async (t) => {
  const engine = stubEngine({ until: new Promise(() => {}) });
  const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 0 }, engine);
  const client = await rawClient(t, await listen(app));
  const called = engine.nextCall();
  client.post(form.payload.length);
  client.socket.write(form.payload);
  const { request } = await called;
  t.notOk(request.signal.aborted);
  client.socket.destroy();
  await aborted(request.signal);
  await whenLoad(app, { active: 0, waiting: 0 });
});

t.test('capacity is freed if the client disconnects during the upload', { timeout: 20_000 }, async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 0 }, engine);
  const client = await rawClient(t, await listen(app));
  client.post(form.payload.length);
  client.socket.write(form.payload.subarray(0, -50));
  await whenLoad(app, { active: 1, waiting: 0 });
  client.socket.destroy();
  await whenLoad(app, { active: 0, waiting: 0 });
  t.equal(engine.calls.length, 0);
  resultOf(t, await postEpisode(app, EPISODE, [frame]));
});

t.test('a request that waits is dropped if the client disconnects', { timeout: 20_000 }, async (t) => {
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  const engine = stubEngine({ until });
  const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 1 }, engine);
  const port = await listen(app);
  const called = engine.nextCall();
  const first = postEpisode(app, EPISODE, [frame]);
  await called;
  const client = await rawClient(t, port);
  client.post(form.payload.length);
  client.socket.write(form.payload);
  await whenLoad(app, { active: 1, waiting: 1 });
  client.socket.destroy();
  await whenLoad(app, { active: 1, waiting: 0 });
  open();
  resultOf(t, await first);
  t.equal(engine.calls.length, 1, 'the dropped request was not scored');
});

t.test('a long upload that waits is dropped if the client disconnects', { timeout: 20_000 }, async (t) => {
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  const engine = stubEngine({ until });
  const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 1 }, engine);
  const port = await listen(app);
  const called = engine.nextCall();
  const first = postEpisode(app, EPISODE, [frame]);
  await called;
  const client = await rawClient(t, port);
  client.post(50_000_000);
  client.socket.write(Buffer.concat([form.payload.subarray(0, -20), Buffer.alloc(2_000_000)]));
  await whenLoad(app, { active: 1, waiting: 1 });
  client.socket.destroy();
  open();
  resultOf(t, await first);
  await whenLoad(app, { active: 0, waiting: 0 });
  t.equal(engine.calls.length, 1);
});

t.test('close waits for the active requests and then closes the engine', { timeout: 20_000 }, async (t) => {
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  const engine = stubEngine({ until });
  const app = await buildTestApp(t, {}, engine);
  const client = await rawClient(t, await listen(app));
  const called = engine.nextCall();
  client.post(form.payload.length);
  client.socket.write(form.payload);
  await called;
  const closed = app.close();
  t.notOk(engine.closed);
  open();
  t.equal((await client.answer()).statusCode, 200);
  if (!client.socket.readableEnded) await once(client.socket, 'end');
  await closed;
  t.ok(engine.closed);
});
