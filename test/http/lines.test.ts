import { Writable } from 'node:stream';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import { Compile } from 'typebox/compile';
import { request } from 'undici';
import type { Problem } from '../../schemas/problem.ts';
import { type PrefixEvent, RewardEvent } from '../../schemas/reward-event.ts';
import { sendLines } from '../../src/http/lines.ts';
import { sendReward } from '../../src/http/reward-lines.ts';
import { ProblemError } from '../../src/problems/problems.ts';
import { comparable, isProblem, ofTopreward, resultOf } from '../support/answers.ts';
import { aborted, buildTestApp, listen, whenLoad } from '../support/app.ts';
import { episodePart, framePart, multipart, postParts } from '../support/forms.ts';
import { frameFiles } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const LINES = 'application/x-ndjson';
// At 8 fps the sampled frames are 0, 4 and 8: the prefixes of lengths 1 and 2 show the same sampled frame.
const episode = { ...EPISODE, fps: 8, prefixes: { lengths: [1, 2, 5, 9] } };
const parts = [episodePart(episode), ...(await frameFiles(9)).map(framePart)];
const form = multipart(parts);
const schema = Compile(RewardEvent);

/** Posts the episode over a socket. @returns the head, and the lines one by one as they arrive */
async function post(port: number, signal?: AbortSignal) {
  const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}/v1/rewards`, {
    method: 'POST',
    headers: { ...form.headers, accept: LINES },
    body: form.payload,
    signal: signal ?? null,
  });
  return { statusCode, headers, lines: eventsOf(body.setEncoding('utf8')), body };
}

async function* eventsOf(chunks: AsyncIterable<string>): AsyncGenerator<RewardEvent, undefined> {
  let text = '';
  for await (const chunk of chunks) {
    const lines = (text + chunk).split('\n');
    text = lines.pop() as string;
    for (const line of lines) yield JSON.parse(line);
  }
  if (text !== '') throw new Error(`The last line does not end: ${text}`);
}

async function next(t: Test, lines: AsyncGenerator<RewardEvent, undefined>): Promise<RewardEvent> {
  const { value } = await lines.next();
  if (value === undefined) throw new Error('There is no further line.');
  t.ok(schema.Check(value), 'the line matches the contract');
  return value;
}

/** A gate for each query. The test opens it. */
function gates(count: number) {
  const all = Array.from({ length: count }, () => Promise.withResolvers<void>());
  return { before: (query: number) => all[query]?.promise, open: (query: number) => all[query]?.resolve() };
}

t.test('other requests have a turn between large lines that are known already', async (t) => {
  let turns = 0;
  const turn = () => {
    turns += 1;
    timer = setImmediate(turn);
  };
  let timer = setImmediate(turn);
  t.teardown(() => clearImmediate(timer));
  const seen: number[] = [];
  async function* known() {
    for (let line = 0; line < 8; line += 1) {
      seen.push(turns);
      yield { text: 'a'.repeat(300_000) };
    }
  }
  const app = fastify();
  t.teardown(() => app.close());
  const deadline = { signal: new AbortController().signal, admitted() {}, markStreaming() {} };
  app.get('/', (_, reply) => sendLines(known(), reply, deadline));
  const { body } = await app.inject('/');
  t.equal(body.split('\n').length, 9);
  t.equal(new Set(seen).size, 8, `each line in a turn of its own: ${seen}`);
});

t.test('each prefix is sent before the engine finishes the next one', { timeout: 20_000 }, async (t) => {
  const { before, open } = gates(3);
  const numbers = (share: number): [number, number] => [-1 / share, -share];
  const app = await buildTestApp(t, {}, stubEngine({ before, numbers }));
  const answering = post(await listen(app));
  open(0);
  const { statusCode, headers, lines } = await answering;
  t.equal(statusCode, 200);
  t.equal(headers['content-type'], LINES);
  t.equal(headers['x-accel-buffering'], 'no');
  t.equal(headers['vary'], 'Accept');
  t.equal(headers['content-encoding'], undefined);
  const common = { event: 'prefix', total: 4 };
  t.strictSame(await next(t, lines), {
    ...common,
    length: 9,
    time_s: 1,
    frames_used: 3,
    log_prob_true: -1,
    log_prob_false: -1,
    log_odds: 0,
    reward: -1,
    known: 1,
  });
  open(1);
  t.match(await next(t, lines), { ...common, length: 5, time_s: 0.5, frames_used: 2, log_prob_true: -1.5, known: 2 });
  open(2);
  t.match(await next(t, lines), { ...common, length: 1, time_s: 0, frames_used: 1, log_prob_true: -3, known: 3 });
  t.match(await next(t, lines), { ...common, length: 2, time_s: 0.125, frames_used: 1, log_prob_true: -3, known: 4 });
  t.match(await next(t, lines), { event: 'result', result: { log_prob_range: { min: -3, max: -1 } } });
  t.ok((await lines.next()).done);
});

t.test('a service that is stopped ends soon after the last line', { timeout: 20_000 }, async (t) => {
  const { before, open } = gates(3);
  const app = await buildTestApp(t, {}, stubEngine({ before }));
  const answering = post(await listen(app));
  open(0);
  const { lines } = await answering;
  t.match(await next(t, lines), { event: 'prefix', known: 1 });
  const closed = app.close();
  while (app.server.listening) await new Promise(setImmediate);
  open(1);
  open(2);
  const events: string[] = [];
  for await (const { event } of lines) events.push(event);
  t.strictSame(events, ['prefix', 'prefix', 'prefix', 'result']);
  // The client keeps its connection for another request. The service must not wait for it, which would take 72 s.
  await closed;
});

t.test('a query that the engine leaves out is an error, never a number', async (t) => {
  const app = await buildTestApp(t, {}, stubEngine({ order: (queries) => queries.slice(0, -1) }));
  isProblem(t, await postParts(app, parts), 'internal-error');
});

t.test('the result is the same as without lines, for any order of engine responses', { timeout: 20_000 }, async (t) => {
  const app = await buildTestApp(
    t,
    {},
    stubEngine({ order: ([first = 0, ...others]) => [first, ...others.reverse()] }),
  );
  const { lines } = await post(await listen(app));
  const events: RewardEvent[] = [];
  for await (const event of lines) events.push(event);
  const prefixes = events.filter((event) => event.event === 'prefix');
  t.strictSame(
    prefixes.map(({ length }) => length),
    [9, 1, 2, 5],
  );
  const last = events.at(-1);
  if (last?.event !== 'result') throw new Error(`The last line is ${JSON.stringify(last)}`);
  const whole = resultOf(t, await postParts(app, parts));
  t.strictSame(comparable(ofTopreward(last.result)), comparable(whole));
  for (const { event: _, known: __, total: ___, ...prefix } of prefixes) {
    const { progress: ____, ...inResult } = whole.prefixes.find(({ length }) => length === prefix.length) ?? {};
    t.strictSame(prefix, inResult);
  }
  const { body: metrics } = await app.inject('/metrics');
  t.match(metrics, /topreward_request_seconds_count\{operation="scoreEpisode",status="200"\} 2\n/);
  t.match(metrics, /topreward_prefixes_total 8\n/);
});

t.test('the Accept header selects lines or one document', async (t) => {
  const app = await buildTestApp(t);
  const json = 'application/json; charset=utf-8';
  for (const [accept, type] of [
    [LINES, LINES],
    [`${LINES}, */*`, LINES],
    [`application/json;q=0.5, ${LINES}`, LINES],
    [`${LINES}, application/problem+json`, LINES],
    ['APPLICATION/X-NDJSON', LINES],
    ['application/json', json],
    [`application/json, ${LINES};q=0.9`, json],
    [`${LINES};q=0`, json],
    ['*/*', json],
    ['application/*', json],
    ['text/html', json],
    ['', json],
    [undefined, json],
  ] as const) {
    const answer = await postParts(app, parts, accept === undefined ? {} : { accept });
    t.equal(answer.statusCode, 200);
    t.equal(answer.headers['content-type'], type, String(accept));
    t.equal(answer.headers['vary'], 'Accept');
  }
});

t.test('an error before the first line has its own status', async (t) => {
  const busy = new ProblemError('engine-busy', 'Try again in a moment.', { retry_after_s: 5 });
  const app = await buildTestApp(t, {}, stubEngine({ fault: busy }));
  const accept = { accept: LINES };
  isProblem(t, await postParts(app, parts, accept), 'engine-busy', { retry_after_s: 5 });
  const answer = await postParts(app, parts.slice(0, 1), accept);
  isProblem(t, answer, 'no-frames');
  t.equal(answer.headers['vary'], 'Accept');
});

t.test('an error after the first line is the last line', { timeout: 20_000 }, async (t) => {
  const faults: [Error, Partial<Problem>][] = [
    [new ProblemError('engine-failed', 'The engine failed.'), { status: 502, code: 'engine-failed' }],
    [new Error('the inner words'), { status: 500, code: 'internal-error' }],
  ];
  for (const [fault, expected] of faults) {
    const before = async (query: number) => {
      if (query === 1) throw fault;
    };
    const app = await buildTestApp(t, {}, stubEngine({ before }));
    const { statusCode, headers, lines } = await post(await listen(app));
    t.equal(statusCode, 200);
    t.match(await next(t, lines), { event: 'prefix', length: 9 });
    const last = await next(t, lines);
    t.match(last, { event: 'problem', problem: { ...expected, instance: headers['x-request-id'] as string } });
    t.notMatch(JSON.stringify(last), /zebra|inner words/);
    t.ok((await lines.next()).done);
    const { body: metrics } = await app.inject('/metrics');
    t.match(metrics, `topreward_problem_lines_total{code="${expected.code}"} 1\n`);
    t.match(metrics, /topreward_prefixes_total 0\n/);
  }
});

t.test('a deadline between two lines sends a problem line and frees the capacity', { timeout: 40_000 }, async (t) => {
  const { before, open } = gates(2);
  const engine = stubEngine({ before });
  // Longer than a busy machine needs for the first line.
  const app = await buildTestApp(t, { DEADLINE_S: 10 }, engine);
  const port = await listen(app);
  const called = engine.nextCall();
  open(0);
  const { lines } = await post(port);
  t.match(await next(t, lines), { event: 'prefix', length: 9 });
  t.match(await next(t, lines), { event: 'problem', problem: { code: 'deadline-exceeded', retry_after_s: 5 } });
  t.ok((await lines.next()).done);
  await aborted((await called).request.signal);
  await whenLoad(app, { active: 0, waiting: 0 });
});

t.test('a client that disconnects between two lines stops the work', { timeout: 20_000 }, async (t) => {
  const { before, open } = gates(2);
  const engine = stubEngine({ before });
  const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 0 }, engine);
  const port = await listen(app);
  const called = engine.nextCall();
  open(0);
  const { lines, body } = await post(port);
  t.match(await next(t, lines), { event: 'prefix', length: 9 });
  const { signal } = (await called).request;
  t.notOk(signal.aborted);
  body.on('error', () => {}).destroy();
  await aborted(signal);
  // The frames are released when the engine has stopped, a little after the response.
  await whenLoad(app, { active: 0, waiting: 0, frameBytes: 0 });
  const { body: metrics } = await app.inject('/metrics');
  t.notMatch(metrics, /topreward_problem_lines_total\{/, 'a client that disconnects is not counted as a problem');
});

t.test('a deadline at the same time as the first prefix frees everything', { timeout: 20_000 }, async (t) => {
  const { before, open } = gates(1);
  const app = await buildTestApp(t, { DEADLINE_S: 0.5 }, stubEngine({ before }));
  // The response of the deadline waits until the engine has also scored the first prefix.
  app.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode !== 504) return;
    open(0);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  });
  const answer = await post(await listen(app));
  t.equal(answer.statusCode, 504);
  await answer.body.dump();
  await whenLoad(app, { active: 0, waiting: 0, frameBytes: 0 });
});

t.test('a reply that is closed before its first line is read stops the scoring', async (t) => {
  let released = false;
  async function* scoring() {
    try {
      for (;;) yield { event: 'prefix' };
    } finally {
      released = true;
    }
  }
  const raw = new Writable({ write: () => {} });
  const reply = {
    raw,
    type: () => reply,
    header: () => reply,
    // Fastify does this if the connection is closed.
    send: (lines: NodeJS.ReadableStream) => (lines as unknown as Writable).destroy(),
  };
  raw.destroy();
  const deadline = { signal: new AbortController().signal, admitted: () => {}, markStreaming: () => {} };
  await sendReward(scoring() as never, { reply, deadline } as never);
  for (let turn = 0; turn < 100 && !released; turn += 1) await new Promise(setImmediate);
  t.ok(released);
});

t.test('if the client reads no lines, scoring pauses, and the connection is closed at the deadline', async (t) => {
  const prefix: PrefixEvent = {
    event: 'prefix',
    length: 1,
    time_s: 0,
    frames_used: 1,
    log_prob_true: -1,
    log_prob_false: -1,
    log_odds: 0,
    reward: -1,
    known: 1,
    total: 1,
  };
  let scored = 0;
  let released = false;
  async function* scoring() {
    try {
      for (;;) {
        scored += 1;
        yield prefix;
      }
    } finally {
      released = true;
    }
  }
  const raw = new Writable({ highWaterMark: 1, write: () => {} });
  const reply = {
    raw,
    type: () => reply,
    header: () => reply,
    send(lines: NodeJS.ReadableStream) {
      lines.pipe(raw);
      raw.once('close', () => (lines as unknown as Writable).destroy());
    },
  };
  const controller = new AbortController();
  const deadline = { signal: controller.signal, admitted: () => {}, markStreaming: () => {} };
  await sendReward(scoring() as never, { reply, deadline } as never);
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  t.ok(scored < 10, `${scored} prefixes were scored although nobody reads them`);
  controller.abort(new ProblemError('deadline-exceeded', 'Too late.'));
  while (!released) await new Promise(setImmediate);
  t.ok(raw.destroyed);
});
