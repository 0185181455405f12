import { gzipSync } from 'node:zlib';
import t from 'tap';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp, listen } from '../support/app.ts';
import { BOUNDARY, episodePart, framePart, multipart } from '../support/forms.ts';
import { frameFile, frameFiles } from '../support/images.ts';
import { rawClient } from '../support/sockets.ts';
import { EPISODE } from '../support/stub-engine.ts';

const app = await buildTestApp(t);
const form = multipart([episodePart(EPISODE), framePart(await frameFile())]);
const post = (type: string | undefined, payload: string | Buffer, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/v1/rewards',
    headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
    payload,
  });

t.test('a truncated multipart body is refused', async (t) => {
  const long = multipart([episodePart(EPISODE), ...(await frameFiles(3)).map(framePart)]);
  const whole = long.payload.length;
  const within = {
    'the end': whole - 8,
    'the last frame': whole - 60,
    'the first frame': long.payload.indexOf('PNG') + 20,
    'the head of a part': long.payload.indexOf('name="frames"'),
    'the episode': 70,
    'the first boundary': 5,
  };
  for (const [where, length] of Object.entries(within)) {
    t.comment(`cut in ${where}`);
    isProblem(
      t,
      await post(long.headers['content-type'] as string, long.payload.subarray(0, length)),
      'malformed-multipart',
    );
  }
});

t.test('bytes that are not valid HTTP are refused', { timeout: 20_000 }, async (t) => {
  const port = await listen(await buildTestApp(t));
  const say = async (text: string) => {
    const client = await rawClient(t, port);
    client.socket.write(text);
    return client.answer();
  };
  isProblem(t, await say('BREW /v1/rewards HTTP/1.1\r\nhost: x\r\n\r\n'), 'malformed-http');
  isProblem(t, await say('zebra\r\n\r\n'), 'malformed-http');
  isProblem(t, await say('POST /v1/rewards HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n'), 'malformed-http');
  const chunked = 'POST /v1/rewards HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzebra\r\n';
  isProblem(t, await say(chunked), 'malformed-http');
  isProblem(t, await say(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`), 'headers-too-large');
});

t.test('a multipart body without a boundary, or with another boundary, is refused', async (t) => {
  isProblem(t, await post('multipart/form-data', form.payload), 'malformed-multipart');
  isProblem(t, await post('multipart/form-data; boundary=', form.payload), 'malformed-multipart');
  isProblem(t, await post('multipart/form-data; boundary=other', form.payload), 'malformed-multipart');
});

t.test('a body that is not multipart data is refused', async (t) => {
  const type = `multipart/form-data; boundary=${BOUNDARY}`;
  isProblem(t, await post(type, JSON.stringify({ episode: EPISODE })), 'malformed-multipart');
});

t.test('an empty multipart body has no episode', async (t) => {
  isProblem(t, await post(form.headers['content-type'] as string, ''), 'missing-episode');
});

t.test('a part without a name is refused', async (t) => {
  const body = `--${BOUNDARY}\r\nContent-Disposition: form-data; filename="x"\r\n\r\nx\r\n--${BOUNDARY}--\r\n`;
  for (const url of ['/v1/rewards', '/v1/rewards/batch']) {
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
    const answer = await app.inject({ method: 'POST', url, headers, payload: body });
    t.match(isProblem(t, answer, 'unexpected-part', { part: '' }).detail, /without a name/);
  }
});

t.test('text that is not UTF-8 is refused in every kind of request', async (t) => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1');
  const episode = latin1(JSON.stringify({ ...EPISODE, instruction: 'Öffne die Schublade.' }));
  const frame = await frameFile();
  const parts = multipart([{ name: 'episode', content: episode }, framePart(frame)]);
  const answer = await post(parts.headers['content-type'], parts.payload);
  t.match(isProblem(t, answer, 'malformed-json', { part: 'episode' }).detail, /UTF-8/);
  const json = latin1(`{"episode": ${episode.toString('latin1')}, "frames": ["${frame.toString('base64')}"]}`);
  t.match(isProblem(t, await post('application/json', json), 'malformed-json').detail, /UTF-8/);
  const items = latin1(`{"items": [{"episode": ${episode.toString('latin1')}, "frame_count": 1}]}`);
  const batch = multipart([{ name: 'batch', content: items }, framePart(frame)]);
  const url = '/v1/rewards/batch';
  const refused = await app.inject({ method: 'POST', url, headers: batch.headers, payload: batch.payload });
  t.match(isProblem(t, refused, 'malformed-json', { part: 'batch' }).detail, /UTF-8/);
});

t.test('text before the first part and after the last part is ignored', async (t) => {
  const payload = Buffer.concat([Buffer.from('preamble\r\n'), form.payload, Buffer.from('epilogue')]);
  resultOf(t, await post(form.headers['content-type'] as string, payload));
});

t.test('other content types are refused', async (t) => {
  const json = JSON.stringify({ episode: EPISODE });
  const others = [
    'text/plain',
    'image/png',
    'video/mp4',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'application/x-ndjson',
    'multipart/mixed; boundary=x',
    'nonsense',
  ];
  for (const type of others) isProblem(t, await post(type, json), 'unsupported-media-type');
  isProblem(t, await post(undefined, json), 'unsupported-media-type');
});

t.test('a request without a body is refused', async (t) => {
  const answer = await app.inject({ method: 'POST', url: '/v1/rewards' });
  isProblem(t, answer, 'missing-episode');
  isProblem(t, await post('application/json', ''), 'malformed-json');
});

t.test('unsupported methods and unknown paths are refused', async (t) => {
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'] as const) {
    const answer = await app.inject({ method: method as 'GET', url: '/v1/rewards?x=1' });
    t.equal(answer.headers.allow, 'POST');
    if (method === 'HEAD') t.equal(answer.statusCode, 405);
    else isProblem(t, answer, 'method-not-allowed');
  }
  const posted = await app.inject({ method: 'POST', url: '/v1/model', ...form });
  isProblem(t, posted, 'method-not-allowed');
  t.equal(posted.headers.allow, 'GET, HEAD');
  for (const url of ['/v1', '/v1/rewards/1', '/v2/rewards', '/nothing?x=1', '/playground', '/playground/nothing.js'])
    isProblem(t, await app.inject({ method: 'GET', url }), 'not-found');
  isProblem(t, await app.inject({ method: 'POST', url: '/nothing', ...form }), 'not-found');
});

t.test('a path that is not a valid URL is not found', async (t) => {
  isProblem(t, await app.inject({ method: 'GET', url: '/%E0%A4%A' }), 'not-found');
});

t.test('a compressed body is refused before it is read; `Content-Encoding: identity` is accepted', async (t) => {
  const type = form.headers['content-type'] as string;
  const packed = await post(type, gzipSync(form.payload), { 'content-encoding': 'gzip' });
  isProblem(t, packed, 'unsupported-media-type');
  t.match(packed.body, /without `Content-Encoding`/);
  resultOf(t, await post(type, form.payload, { 'content-encoding': 'Identity' }));
});
