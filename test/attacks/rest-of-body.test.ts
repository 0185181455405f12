import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { BOUNDARY, episodePart, framePart, multipart } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { EPISODE } from '../support/stub-engine.ts';
import { underAttack } from './support.ts';

const MiB = 1024 * 1024;
const KEY = 'key-of-ada-0123456789';
const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** The most that the service reads of a body after the response, plus the buffers of the system. */
const MOST_BYTES = 64 * MiB + 16 * MiB;
/** The longest time that it reads, with a margin for a busy machine. */
const MOST_MS = 20_000;

const FORM = `multipart/form-data; boundary=${BOUNDARY}`;
const whole = multipart([episodePart(EPISODE), framePart(await frameFile())]).payload;
const right = { authorization: `Bearer ${KEY}` };
const FORM_HEADERS = { 'content-type': FORM, ...right };

/** Requests that get a response before their body has arrived. Each body does not end. */
const REQUESTS: [what: string, status: number, line: string, headers: Record<string, string>, begin?: Buffer][] = [
  ['no key', 401, 'POST /v1/rewards', { 'content-type': FORM }],
  ['a wrong key, for a batch', 401, 'POST /v1/rewards/batch', { 'content-type': FORM, authorization: 'Bearer x' }],
  ['an unsupported media type', 415, 'POST /v1/rewards', { 'content-type': 'video/mp4', ...right }],
  [
    'more bytes than the limit',
    413,
    'POST /v1/rewards',
    { 'content-type': FORM, 'content-length': `${2 ** 40}`, ...right },
  ],
  ['an unknown first part', 400, 'POST /v1/rewards', FORM_HEADERS, multipart([{ name: 'x', content: 'x' }]).payload],
  ['an unknown path', 404, 'POST /v1/nothing', {}],
  ['an unsupported method', 405, 'DELETE /v1/rewards', {}],
  ['a page of another site', 403, 'POST /v1/rewards', { 'sec-fetch-site': 'cross-site', ...right }],
  ['a GET that succeeds', 200, 'GET /health/live', {}],
  ['a page', 200, 'GET /docs', {}],
  ['a path that is not a URL', 404, 'POST /%zz', {}],
];

/** Sends a head and then bytes without end, in pieces. @returns the status, and how much and how long the service read */
async function flood(
  address: string,
  [, , line, headers, begin]: (typeof REQUESTS)[number],
  { bytes, pauseMs }: { bytes: Buffer; pauseMs: number },
) {
  const { port, host } = new URL(address);
  const socket = connect(Number(port), '127.0.0.1');
  const started = performance.now();
  let text = '';
  let sent = 0;
  let open = true;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk;
  });
  // Not `once` of node:events: it throws if the connection is reset, which is the expected end here.
  const next = (event: string) => new Promise<void>((resolve) => socket.once(event, () => resolve()));
  const closed = next('close').then(() => {
    open = false;
  });
  await next('connect');
  const all = { host, 'transfer-encoding': 'chunked', ...headers };
  if ('content-length' in all) delete (all as Record<string, string>)['transfer-encoding'];
  const isChunked = 'transfer-encoding' in all;
  const framed = (body: Buffer) =>
    Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
  socket.write(
    `${line} HTTP/1.1\r\n${Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  );
  if (begin) socket.write(framed(begin));
  while (open && performance.now() - started < MOST_MS) {
    const took = socket.write(isChunked ? framed(bytes) : bytes);
    sent += bytes.length;
    if (!took) await Promise.race([next('drain'), closed]);
    await (pauseMs > 0 ? Promise.race([sleep(pauseMs), closed]) : new Promise(setImmediate));
  }
  const wasOpen = open;
  socket.destroy();
  return {
    status: Number(text.split(' ')[1]),
    sent: sent - socket.writableLength,
    ms: performance.now() - started,
    wasOpen,
  };
}

t.test('after the response, the service stops reading a body without end', { timeout: 180_000 }, async (t) => {
  await underAttack(t, {
    env: { API_KEYS: `ada=${KEY}`, DEADLINE_S: '5' },
    key: KEY,
    bounds: { addedMiB: 150 },
    async attack({ address }) {
      const trickles = REQUESTS.map(async (request) => {
        const { status, ms, wasOpen } = await flood(address, request, { bytes: Buffer.from('x'), pauseMs: 100 });
        t.equal(status, request[1], `a slow body: ${request[0]}`);
        t.notOk(wasOpen, `closed after ${Math.round(ms)} ms`);
      });
      for (const request of REQUESTS) {
        const { status, sent, ms, wasOpen } = await flood(address, request, { bytes: CHUNK, pauseMs: 0 });
        const [what, expected] = request;
        t.comment(`${what}: ${status}, closed after ${Math.round(sent / MiB)} MiB and ${Math.round(ms)} ms`);
        t.equal(status, expected, what);
        t.notOk(wasOpen, 'the connection is closed');
        t.ok(sent <= MOST_BYTES, `${Math.round(sent / MiB)} MiB were read`);
      }
      await Promise.all(trickles);
      const late = await flood(address, ['', 408, 'POST /v1/rewards', FORM_HEADERS, whole], {
        bytes: CHUNK,
        pauseMs: 0,
      });
      // A client that never stops sending can lose the response when the connection is closed.
      t.ok(late.status === 408 || Number.isNaN(late.status), `an episode whose form never ends: ${late.status}`);
      t.notOk(late.wasOpen, 'the connection is closed');
    },
  });
});
