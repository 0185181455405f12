import { EventEmitter, once } from 'node:events';
import { mock } from 'node:test';
import t from 'tap';
import { request } from 'undici';
import { startDeadline } from '../../src/http/deadline.ts';
import type { ProblemError } from '../../src/problems/problems.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { aborted, buildTestApp, listen } from '../support/app.ts';
import { episodePart, framePart, multipart, npyPart, partHead, postParts } from '../support/forms.ts';
import { frameFile, npyFile } from '../support/images.ts';
import { rawClient } from '../support/sockets.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const frame = await frameFile();
const form = multipart([episodePart(EPISODE), framePart(frame)]);
const json = JSON.stringify({ episode: EPISODE, frames: [frame.toString('base64')] });
const never = new Promise<void>(() => {});
const place = { MAX_ACTIVE: 1, MAX_WAITING: 0 };

for (const [what, headers, payload] of [
  ['form', form.headers, form.payload],
  ['JSON', { 'content-type': 'application/json' }, json],
] as const) {
  t.test(
    `if the engine takes too long, the response is 504 and the engine call is aborted (${what})`,
    { timeout: 15_000 },
    async (t) => {
      const engine = stubEngine({ until: never });
      const app = await buildTestApp(t, { ...place, DEADLINE_S: 0.5 }, engine);
      const port = await listen(app);
      for (const turn of ['first request', 'second request: the first one has freed its capacity']) {
        t.comment(turn);
        const client = await rawClient(t, port);
        const called = engine.nextCall();
        client.post(Buffer.byteLength(payload), headers);
        client.socket.write(payload);
        isProblem(t, await client.answer(), 'deadline-exceeded', { retry_after_s: 5 });
        await aborted((await called).request.signal);
      }
    },
  );
}

t.test('rendering stops at the deadline, and the next episode does not wait for it', { timeout: 60_000 }, async (t) => {
  const limits = { MAX_FRAME_SIDE: 4_000_000, MAX_FRAME_PIXELS: 1e9 };
  const app = await buildTestApp(t, { ...limits, DEADLINE_S: 4, RENDER_WORKERS: 1 });
  const height = limits.MAX_FRAME_SIDE;
  // Resizing this takes more than twice the deadline on the only thread. Without a stop, the next episode would end at its own
  // deadline. The thread has a low priority, so on a busy machine the next episode is slow, too.
  const high = npyPart(npyFile(Buffer.alloc(height * 3), { shape: [1, height, 1, 3] }));
  const { headers, payload } = multipart([episodePart(EPISODE), high]);
  const url = `http://127.0.0.1:${await listen(app)}/v1/rewards`;
  const { body, ...answer } = await request(url, { method: 'POST', headers, body: payload });
  isProblem(t, { ...answer, body: await body.text() }, 'deadline-exceeded');
  resultOf(t, await postParts(app, [episodePart(EPISODE), framePart(frame)]));
});

t.test('an upload that sends nothing for UPLOAD_IDLE_S ends before the deadline', { timeout: 15_000 }, async (t) => {
  const app = await buildTestApp(t, { ...place, DEADLINE_S: 600, UPLOAD_IDLE_S: 0.2 });
  const port = await listen(app);
  for (const [type, sent] of [
    [form.headers['content-type'] as string, form.payload.subarray(0, -60)],
    ['application/json', Buffer.from(json.slice(0, -5))],
  ] as const) {
    const client = await rawClient(t, port);
    client.post(form.payload.length + json.length, { 'content-type': type });
    client.socket.write(sent);
    isProblem(t, await client.answer(), 'upload-timeout');
  }
});

t.test('an upload that the service does not read does not count as idle', { timeout: 15_000 }, async (t) => {
  let open = () => {};
  const engine = stubEngine({
    until: new Promise<void>((resolve) => {
      open = resolve;
    }),
  });
  const app = await buildTestApp(t, { DEADLINE_S: 600, UPLOAD_IDLE_S: 0.05 }, engine);
  const port = await listen(app);
  const client = await rawClient(t, port);
  const called = engine.nextCall();
  client.post(form.payload.length, form.headers);
  client.socket.write(form.payload);
  await called;
  await new Promise((resolve) => setTimeout(resolve, 300));
  open();
  resultOf(t, await client.answer());
});

t.test('a stalled upload gets 408, and the connection is closed', { timeout: 15_000 }, async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { ...place, DEADLINE_S: 0.5 }, engine);
  const port = await listen(app);
  const stalls: [string, string, Buffer][] = [
    ['nothing sent', form.headers['content-type'] as string, Buffer.alloc(0)],
    ['stalled in the head of a part', form.headers['content-type'] as string, form.payload.subarray(0, 20)],
    ['stalled in a frame', form.headers['content-type'] as string, form.payload.subarray(0, -60)],
    ['stalled in JSON', 'application/json', Buffer.from(json.slice(0, -5))],
  ];
  for (const [where, type, sent] of stalls) {
    const client = await rawClient(t, port);
    client.post(100_000, { 'content-type': type });
    client.socket.write(sent);
    const answer = await client.answer();
    t.comment(where);
    isProblem(t, answer, 'upload-timeout');
    t.equal(answer.headers['connection'], 'close');
    if (!client.socket.readableEnded) await once(client.socket, 'end');
  }
  t.equal(engine.calls.length, 0);
  const good = await request(`http://127.0.0.1:${port}/v1/rewards`, {
    method: 'POST',
    headers: form.headers,
    body: form.payload,
  });
  resultOf(t, { statusCode: good.statusCode, headers: good.headers, body: await good.body.text() });
});

t.test('a slow upload that finishes in time is scored', { timeout: 15_000 }, async (t) => {
  const app = await buildTestApp(t, { DEADLINE_S: 10 });
  const client = await rawClient(t, await listen(app));
  client.post(undefined);
  const pieces = [
    partHead({ name: 'episode' }),
    Buffer.from(JSON.stringify(EPISODE)),
    Buffer.from('\r\n'),
    form.payload.subarray(form.payload.lastIndexOf('--b0undary\r\n')),
  ];
  for (const piece of pieces) {
    for (const half of [piece.subarray(0, 1), piece.subarray(1)]) {
      client.socket.write(`${half.length.toString(16)}\r\n`);
      client.socket.write(half);
      await new Promise((resolve) => client.socket.write('\r\n', resolve));
    }
  }
  client.socket.write('0\r\n\r\n');
  t.equal((await client.answer()).statusCode, 200);
});

t.test(
  'a request that reaches its deadline in the queue is not reported as a slow upload',
  { timeout: 15_000 },
  async (t) => {
    const engine = stubEngine({ until: never });
    const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 1, DEADLINE_S: 0.5 }, engine);
    const port = await listen(app);
    const first = await rawClient(t, port);
    const called = engine.nextCall();
    first.post(form.payload.length);
    first.socket.write(form.payload);
    await called;
    const second = await rawClient(t, port);
    second.post(form.payload.length);
    second.socket.write(form.payload);
    const answers = await Promise.all([first.answer(), second.answer()]);
    t.equal(answers[0].statusCode, 504);
    t.ok(
      answers[1].statusCode >= 500,
      `the status of the second response is ${answers[1].statusCode}: ${answers[1].body}`,
    );
  },
);

t.test('time spent waiting to be admitted is never reported as a slow upload', async (t) => {
  const codeAfter = (isAdmitted: boolean, complete: boolean) =>
    new Promise<string>((resolve) => {
      const reply = { raw: new EventEmitter(), send: (problem: ProblemError) => resolve(problem.code) };
      const deadline = startDeadline({ raw: { complete, socket: { bytesRead: 0 } } } as never, reply as never, 0.01);
      if (isAdmitted) deadline.admitted(60);
    });
  t.equal(await codeAfter(false, false), 'server-busy');
  t.equal(await codeAfter(false, true), 'server-busy');
  t.equal(await codeAfter(true, false), 'upload-timeout');
  t.equal(await codeAfter(true, true), 'deadline-exceeded');
});

t.test('a request that is closed before it is admitted is not checked for idleness', async (t) => {
  const raw = new EventEmitter();
  const socket = {
    get bytesRead() {
      t.fail('the request is still checked for idleness');
      return 0;
    },
  };
  const deadline = startDeadline({ raw: { socket } } as never, { raw, send: () => {} } as never, 60);
  raw.emit('close');
  t.ok(deadline.signal.aborted);
  deadline.admitted(60);
});

t.test('work stops as soon as the deadline problem is sent, even if the client reads it slowly', async (t) => {
  const sent = Promise.withResolvers<ProblemError>();
  const reply = { raw: new EventEmitter(), send: sent.resolve };
  const { signal } = startDeadline({ raw: { complete: true } } as never, reply as never, 0.001);
  const problem = await sent.promise;
  t.ok(signal.aborted);
  t.equal(signal.reason, problem);
});

t.test('if a response was sent before, the deadline sends nothing and closes an unread connection later', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  for (const isRead of [false, true]) {
    let closed = 0;
    const reply = { raw: new EventEmitter(), sent: true, send: () => t.fail('a second response was sent') };
    const socket = { destroy: () => (closed += 1) };
    startDeadline({ raw: { complete: true, socket } } as never, reply as never, 120);
    mock.timers.tick(120_000);
    mock.timers.tick(29_000);
    t.equal(closed, 0);
    if (isRead) reply.raw.emit('close');
    mock.timers.tick(1_000);
    t.equal(closed, isRead ? 0 : 1, isRead ? 'the response was read' : 'it was not read');
  }
});
