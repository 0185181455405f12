import { pino } from 'pino';
import t, { type Test } from 'tap';
import { isProblem } from '../support/answers.ts';
import { aborted, buildTestApp, listen, whenLoad } from '../support/app.ts';
import { episodePart, framePart, multipart, postEpisode, postParts } from '../support/forms.ts';
import { bitFlipped, frameFile, frameFiles } from '../support/images.ts';
import { rawClient } from '../support/sockets.ts';
import { EPISODE, INSTRUCTION, type StubEngine, stubEngine } from '../support/stub-engine.ts';

const KEY = 'key-of-ada-0123456789';
const authorization = `Bearer ${KEY}`;
const frame = await frameFile();
const form = multipart([episodePart(EPISODE), framePart(frame)]);

interface Line {
  level: number;
  msg: string;
  reqId?: string;
  problem?: string;
  status?: number;
}

/** The app and everything that it logs, at the most detailed level of the configuration. */
async function loggedApp(t: Test, engine: StubEngine = stubEngine(), settings: Record<string, string | number> = {}) {
  const written: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void written.push(line) });
  const app = await buildTestApp(t, { API_KEYS: `ada=${KEY}`, ...settings }, engine, log);
  return { app, text: () => written.join(''), lines: () => written.map((line): Line => JSON.parse(line)) };
}

function isDiscreet(t: Test, text: string): void {
  t.ok(text.length > 0, 'something is logged');
  t.notMatch(text, /zebra/, 'the log has no word of the instruction');
  t.notOk(text.includes(KEY), 'the log has no key');
  t.notOk(text.includes(frame.toString('base64').slice(40, 80)), 'the log has no frame in base64');
  t.notOk(text.includes('PNG'), 'the log has no bytes of a frame');
}

t.test('the log of a successful request has no instruction, key or frame', async (t) => {
  const { app, text } = await loggedApp(t);
  t.equal((await postParts(app, [episodePart(EPISODE), framePart(frame)], { authorization })).statusCode, 200);
  const payload = { episode: EPISODE, frames: [frame.toString('base64')] };
  const json = await app.inject({ method: 'POST', url: '/v1/rewards', headers: { authorization }, payload });
  t.equal(json.statusCode, 200);
  isDiscreet(t, text());
});

t.test('a refused request has one log line with its instance and its code', async (t) => {
  const { app, lines, text } = await loggedApp(t);
  const parts = [episodePart(EPISODE), framePart(frame), framePart(bitFlipped(frame))];
  const { instance } = isProblem(t, await postParts(app, parts, { authorization }), 'image-damaged');
  const told = lines().filter(({ problem }) => problem !== undefined);
  t.match(told, [{ reqId: instance, problem: 'image-damaged', status: 422 }]);
  t.equal(told.length, 1);
  t.strictSame(
    lines().filter(({ level }) => level >= 40),
    [],
    'a mistake of the caller is not logged as a warning',
  );
  isDiscreet(t, text());
});

t.test('malformed JSON is not repeated in the log', async (t) => {
  const { app, text } = await loggedApp(t);
  const broken = [
    `{"fps":2,"instruction":"${INSTRUCTION}"`,
    `{"instruction":"${INSTRUCTION}",}`,
    '{"instruction": zebra-striped}',
  ];
  for (const content of broken) {
    for (const how of [{}, { type: 'application/json' }, { filename: 'episode.json' }]) {
      const answer = await postParts(app, [{ name: 'episode', content, ...how }, framePart(frame)], { authorization });
      isProblem(t, answer, 'malformed-json');
    }
    const headers = { authorization, 'content-type': 'application/json' };
    isProblem(t, await app.inject({ method: 'POST', url: '/v1/rewards', headers, payload: content }), 'malformed-json');
  }
  isDiscreet(t, text());
});

t.test('a wrong key is not logged', async (t) => {
  const { app, text } = await loggedApp(t);
  const answer = await postParts(app, [episodePart(EPISODE)], { authorization: 'Bearer nearly-my-password' });
  isProblem(t, answer, 'unauthorized');
  t.notOk(text().includes('nearly-my-password'));
});

t.test('an unexpected error is a 500 without the inner message, and the log has that message', async (t) => {
  const engine = stubEngine({ fault: new Error('the inner words') });
  const { app, lines, text } = await loggedApp(t, engine);
  const answer = await postParts(app, [episodePart(EPISODE), framePart(frame)], { authorization });
  const { instance } = isProblem(t, answer, 'internal-error');
  t.notMatch(answer.body, /inner words/);
  t.match(
    lines().filter(({ level }) => level >= 50),
    [{ reqId: instance, problem: 'internal-error', err: { message: 'the inner words' } }],
  );
  isDiscreet(t, text());
});

t.test('clients that disconnect and deadlines are not logged as errors', { timeout: 15_000 }, async (t) => {
  const engine = stubEngine({ until: new Promise(() => {}) });
  const { app, lines, text } = await loggedApp(t, engine, { MAX_ACTIVE: 1, MAX_WAITING: 1, DEADLINE_S: 1 });
  const port = await listen(app);
  const start = async (bytes = form.payload.length) => {
    const client = await rawClient(t, port);
    client.post(form.payload.length, { authorization });
    client.socket.write(form.payload.subarray(0, bytes));
    return client;
  };

  let called = engine.nextCall();
  const gone = await start();
  const { request } = await called;
  gone.socket.destroy();
  await aborted(request.signal);

  called = engine.nextCall();
  const late = await start();
  await called;
  const queued = await start();
  t.equal((await late.answer()).statusCode, 504);
  t.ok((await queued.answer()).statusCode >= 500);

  const stalled = await start(100);
  t.equal((await stalled.answer()).statusCode, 408);

  const halfway = await start(form.payload.length - 50);
  await whenLoad(app, { active: 1, waiting: 0 });
  halfway.socket.destroy();
  await whenLoad(app, { active: 0, waiting: 0 });
  await app.close();
  const faults = lines().filter(({ level }) => level >= 40);
  t.strictSame(faults, [], 'no line is above info');
  isDiscreet(t, text());
});

t.test('every instance is unique and is logged with its request', async (t) => {
  const { app, lines } = await loggedApp(t);
  const ids = [];
  for (const file of await frameFiles(3)) {
    const answer = await postEpisode(app, EPISODE, [file]);
    ids.push(answer.headers['x-request-id']);
  }
  t.equal(new Set(ids).size, 3);
  for (const id of ids) t.ok(lines().some(({ reqId }) => reqId === id));
  const chosen = await app.inject({
    method: 'GET',
    url: '/health/live',
    headers: { 'x-request-id': 'mine', 'request-id': 'mine' },
  });
  t.not(chosen.headers['x-request-id'], 'mine', 'the caller cannot choose the id');
});
