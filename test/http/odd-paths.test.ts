import { pino } from 'pino';
import t from 'tap';
import { parse } from 'yaml';
import { isProblem } from '../support/answers.ts';
import { buildTestApp, listen } from '../support/app.ts';
import { rawClient } from '../support/sockets.ts';

const written: string[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void written.push(line) });
const app = await buildTestApp(t, {}, undefined, log);
const port = await listen(app);

/** Sends the path unchanged. A client library would normalise it. */
async function ask(path: string, headers = '') {
  const client = await rawClient(t, port);
  client.socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`);
  const answer = await client.answer();
  client.socket.destroy();
  return answer;
}

const FOLDERS = ['/playground/', '/playground/episodes/', '/docs/', '/', '/v1/'];
const ODD = `.. ../ ../../package.json ..;/ ... ~ %00 %00.js a%00.jpg //etc //etc/passwd %5c %5c..%5c.js \\..\\ %2e%2e %2e%2e/x.js
  %2e%2e%2fpackage.json %2fetc%2fpasswd % %zz %e0%a4%a .git/x.js .env .js %0d%0aX:y.js index.html/ index.html%20 %F0%9F%A6%93.js
  app.js%3f :a( :a(b+)c* * (.*) nothing.jpg ${'a'.repeat(5000)} ${'a'.repeat(5000)}.js ${'a/'.repeat(3000)}x.css`;

for (const folder of FOLDERS) {
  t.test(`odd paths under ${folder} are not found`, { timeout: 60_000 }, async (t) => {
    for (const odd of ODD.split(/\s+/)) {
      const answer = await ask(`${folder}${odd}`);
      t.comment(odd.slice(0, 40));
      isProblem(t, answer, 'not-found');
    }
  });
}

t.test('ranges and conditions that a file cannot satisfy are refused', { timeout: 20_000 }, async (t) => {
  for (const path of ['/', '/playground/app.js', '/docs/reference.css']) {
    isProblem(t, await ask(path, 'Range: bytes=999999999-\r\n'), 'range-not-satisfiable');
    isProblem(t, await ask(path, 'If-Match: "zebra"\r\n'), 'precondition-failed');
    t.equal((await ask(path, 'Range: zebra\r\n')).statusCode, 200);
    t.equal((await ask(path, 'If-None-Match: *\r\n')).statusCode, 304);
  }
});

t.test('none of these requests is logged as an error', async (t) => {
  t.ok(written.length > 100, 'refusals are logged');
  t.strictSame(
    written.filter((line) => JSON.parse(line).level >= 40 || line.includes('"stack"')),
    [],
  );
});

t.test('the contract documents are built once', async (t) => {
  const app = await buildTestApp(t);
  const [swagger, asked] = [app.swagger, { times: 0 }];
  app.swagger = ((...args: Parameters<typeof swagger>) => {
    asked.times += 1;
    return swagger(...args);
  }) as typeof swagger;
  const contract = (await app.inject('/openapi.json')).json();
  for (const url of ['/openapi.json', '/docs/json', '/docs/yaml']) {
    for (let time = 0; time < 3; time += 1) {
      const { statusCode, headers, body } = await app.inject(url);
      t.equal(statusCode, 200);
      t.strictSame(url.endsWith('yaml') ? parse(body) : JSON.parse(body), contract, url);
      t.match(headers['content-type'], url.endsWith('yaml') ? 'application/yaml' : 'application/json');
      const again = await app.inject({ url, headers: { 'if-none-match': headers.etag } });
      t.equal(again.statusCode, 304, 'with its ETag it is not sent again');
      t.equal(again.body, '');
      t.equal((await app.inject({ method: 'HEAD', url })).headers['content-length'], `${Buffer.byteLength(body)}`);
    }
  }
  t.equal(asked.times, 1);
});
