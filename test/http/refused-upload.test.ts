import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { FormData, fetch } from 'undici';
import { type Answer, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp, listen, whenLoad } from '../support/app.ts';
import { BOUNDARY, episodePart, framePart, multipart, type Part, postEpisode } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { type RawClient, rawClient } from '../support/sockets.ts';
import { EPISODE } from '../support/stub-engine.ts';

const needs = needing('curl', 'python3');
const run = promisify(execFile);
const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 0, DEADLINE_S: 20 });
const url = `http://127.0.0.1:${await listen(app)}/v1/rewards`;
const folder = t.testdir({});

/** 30 MB of frames. The service need not read them after it has found the mistake. */
const rest = Array.from({ length: 30 }, () => framePart(Buffer.alloc(1_000_000)));
const EARLY: [what: string, parts: Part[], code: 'not-an-image' | 'missing-clock' | 'unexpected-part'][] = [
  ['the first frame', [episodePart(EPISODE), ...rest], 'not-an-image'],
  ['the episode', [episodePart({ ...EPISODE, fps: undefined }), ...rest], 'missing-clock'],
  ['a part’s name', [{ name: 'movie', content: Buffer.alloc(1_000_000), filename: 'x' }, ...rest], 'unexpected-part'],
];

/** Each function posts a body with the client of this name and returns the response that the client received. */
const CLIENTS: Record<string, (body: Buffer) => Promise<Answer>> = {
  async undici(body) {
    return seen(await fetch(url, { method: 'POST', headers: multipart([]).headers, body }));
  },
  async curl(body) {
    return outside('curl', ['-sS', '-i', '-H', 'Expect:', '-H', type, '--data-binary', `@${file(body)}`, url]);
  },
  async 'curl with Expect: 100-continue'(body) {
    return outside('curl', [
      '-sS',
      '-i',
      '-H',
      'Expect: 100-continue',
      '-H',
      type,
      '--data-binary',
      `@${file(body)}`,
      url,
    ]);
  },
  async 'Python http.client'(body) {
    return outside('python3', ['-c', PYTHON, url, file(body), `multipart/form-data; boundary=${BOUNDARY}`]);
  },
};
const type = `Content-Type: multipart/form-data; boundary=${BOUNDARY}`;
// Sends the complete body before it reads the response, as requests and urllib do.
const PYTHON = `
import http.client, sys, urllib.parse
url, path, kind = sys.argv[1:]
at = urllib.parse.urlsplit(url)
connection = http.client.HTTPConnection(at.netloc, timeout=5)
connection.request("POST", at.path, open(path, "rb").read(), {"Content-Type": kind})
answer = connection.getresponse()
print("HTTP/1.1 %d\\r\\n%s\\r\\n\\r\\n%s" % (answer.status, "\\r\\n".join("%s: %s" % h for h in answer.getheaders()), answer.read().decode()), end="")
`;

for (const [name, post] of Object.entries(CLIENTS)) {
  for (const [what, parts, code] of EARLY) {
    t.test(
      `${name}: the client receives the problem about ${what} of a 30 MB upload`,
      { timeout: 20_000, ...needs },
      async (t) => {
        isProblem(t, await post(multipart(parts).payload), code);
      },
    );
  }
}

t.test(
  'Python http.client: the client receives the problem if the body is not read at all',
  { timeout: 20_000, ...needs },
  async (t) => {
    const body = file(Buffer.alloc(30_000_000));
    const kind = `multipart/form-data; boundary=${BOUNDARY}`;
    for (const [settings, type, code] of [
      [{ API_KEYS: 'ada=0123456789abcdef' }, kind, 'unauthorized'],
      [{ MAX_UPLOAD_BYTES: 1_000_000 }, kind, 'upload-too-large'],
      [{ MAX_JSON_BYTES: 1_000_000 }, 'application/json', 'upload-too-large'],
      [{}, 'video/mp4', 'unsupported-media-type'],
    ] as const) {
      const strict = await buildTestApp(t, settings);
      const there = `http://127.0.0.1:${await listen(strict)}/v1/rewards`;
      isProblem(t, await outside('python3', ['-c', PYTHON, there, body, type]), code);
    }
  },
);

t.test('undici: the client receives the problem about a form of blobs', { timeout: 20_000 }, async (t) => {
  const form = new FormData();
  for (const { content } of rest) form.append('frames', new Blob([content as Buffer<ArrayBuffer>]));
  form.append('episode', JSON.stringify(EPISODE));
  isProblem(t, await seen(await fetch(url, { method: 'POST', body: form })), 'not-an-image', { frame: 0 });
});

t.test('a body without end is not read forever after the response', { timeout: 20_000 }, async (t) => {
  const busy = await buildTestApp(t, { MAX_ACTIVE: 1, DEADLINE_S: 0.5, MAX_UPLOAD_BYTES: 2 ** 40 });
  const port = await listen(busy);
  // A batch has a longer deadline. It occupies the only capacity.
  const first = await rawClient(t, port);
  first.socket.write(`POST /v1/rewards/batch HTTP/1.1\r\nHost: 127.0.0.1\r\n${type}\r\nContent-Length: 9\r\n\r\n`);
  await whenLoad(busy, { active: 1 });
  // It waits to be admitted until its deadline.
  const queued = await rawClient(t, port);
  queued.post(2 ** 34);
  isProblem(t, await queued.answer(), 'server-busy');
  t.ok(await takenIn(queued), 'the connection is closed after the deadline in the queue');
  const stranger = await rawClient(t, port);
  stranger.post(2 ** 34, { host: 'evil.example' });
  isProblem(t, await stranger.answer(), 'forbidden-host');
  t.ok(await takenIn(stranger), 'the connection is closed after the host was refused');
});

/** Writes until the connection is closed, at most 200 MB. @returns true if it was closed */
async function takenIn({ socket }: RawClient): Promise<boolean> {
  let closed = false;
  const close = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(() => {
    closed = true;
  });
  const megabyte = Buffer.alloc(1_000_000);
  for (let written = 0; written < 200 && !closed; written += 1)
    if (!socket.write(megabyte)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), close]);
  return closed;
}

t.test('curl and fetch can post an episode', { timeout: 20_000, ...needs }, async (t) => {
  const frame = await frameFile();
  const path = file(frame);
  const fields = ['-F', `episode=${JSON.stringify(EPISODE)}`, '-F', `frames=@${path}`, '-F', `frames=@${path}`];
  const byCurl = resultOf(t, await outside('curl', ['-sS', '-i', ...fields, url]));
  const form = new FormData();
  form.append('episode', JSON.stringify(EPISODE));
  for (let i = 0; i < 2; i += 1) form.append('frames', new Blob([frame as Buffer<ArrayBuffer>], { type: 'image/png' }));
  const byFetch = resultOf(t, await seen(await fetch(url, { method: 'POST', body: form })));
  const expected = resultOf(t, await postEpisode(app, EPISODE, [frame, frame]));
  for (const result of [byCurl, byFetch]) t.strictSame(result.prefixes, expected.prefixes);
});

let files = 0;
function file(body: Buffer): string {
  const path = join(folder, `body${files}`);
  files += 1;
  writeFileSync(path, body);
  return path;
}

/** Runs a program that prints a response with its head. @returns the response */
async function outside(program: string, args: string[]): Promise<Answer> {
  const { stdout } = await run(program, args, { timeout: 10_000, env: { PATH: process.env['PATH'], no_proxy: '*' } });
  const text = stdout.replace(/^HTTP\/1.1 100 Continue\r\n\r\n/, '');
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const [line = '', ...fields] = head.split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => field.toLowerCase().split(': ', 2) as [string, string]));
  return { statusCode: Number(line.split(' ')[1]), headers, body };
}

async function seen(response: Awaited<ReturnType<typeof fetch>>): Promise<Answer> {
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}
