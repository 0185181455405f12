import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import t from 'tap';
import { launch, type Refusal } from '../support/server.ts';

t.test('a wrong variable is reported in one line', { timeout: 60_000 }, async (t) => {
  for (const env of [
    { PORT: 'eighty' },
    { API_KEY: 'a-secret-in-the-wrong-place' },
    { ENGINE_URLS: 'http://a:1,http://b:1' },
  ]) {
    const { code, lines, errors } = (await launch(t, env as Record<string, string>)) as Refusal;
    const [name] = Object.keys(env);
    t.equal(code, 1);
    t.strictSame(lines, [], 'nothing is logged');
    t.match(errors, new RegExp(`^Configuration: ${name} .*\n$`), 'one line');
    t.notMatch(errors, /secret/, 'the value is not shown');
  }
});

t.test('each of several wrong variables is reported in its own line', async (t) => {
  const { code, errors } = (await launch(t, { API_KEY: 'x', LOG_LEVEL: 'loud', MAX_FRAMES: '0' })) as Refusal;
  t.equal(code, 1);
  t.equal(errors.trimEnd().split('\n').length, 3);
  for (const name of ['API_KEY', 'LOG_LEVEL', 'MAX_FRAMES'])
    t.match(errors, new RegExp(`^Configuration: ${name} `, 'm'));
});

t.test('an address that is in use is reported in one log line', { timeout: 60_000 }, async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  const port = String((other.address() as AddressInfo).port);
  const { code, lines, errors } = (await launch(t, { PORT: port })) as Refusal;
  t.equal(code, 1);
  t.match(lines.at(-1), `Cannot listen on HOST=127.0.0.1, PORT=${port}: listen EADDRINUSE`);
  t.equal(errors, '', 'there is no stack trace');
});

t.test('a wrong profile is reported in one log line', { timeout: 60_000 }, async (t) => {
  for (const [MODEL_PROFILE, message] of [
    ['qwen2.5vl', /MODEL_PROFILE=qwen2\.5vl is not a profile\. Did you mean qwen2\.5-vl\?/],
    ['/missing/mine.json', /MODEL_PROFILE: \/missing\/mine\.json cannot be read \(ENOENT\)/],
  ] as const) {
    const env = { ENGINE_URL: 'http://127.0.0.1:9', MODEL_PROFILE };
    const { code, lines, errors } = (await launch(t, env)) as Refusal;
    t.equal(code, 1);
    t.match(lines.at(-1), message);
    t.equal(errors, '', 'there is no stack trace');
  }
});
