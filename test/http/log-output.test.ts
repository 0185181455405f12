import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { fetch } from 'undici';

const SERVER = new URL('../../src/server.ts', import.meta.url).pathname;
/** The service ends without its readers, within a second for its last lines and some more for itself. */
const END_MS = 8_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A service whose log nobody reads, once it answers. */
async function start(t: Test, stdout: 'pipe' | number): Promise<{ child: ChildProcess; address: string }> {
  const port = await freePort();
  const stdio: StdioOptions = ['ignore', stdout, 'inherit'];
  const env = { ...process.env, ENGINE_URL: 'http://127.0.0.1:9', PORT: String(port) };
  const child = spawn(process.execPath, [SERVER], { stdio, env });
  t.teardown(() => child.kill('SIGKILL'));
  const address = `http://127.0.0.1:${port}`;
  for (;;) {
    if (await isLive(address)) return { child, address };
    if (child.exitCode !== null) throw new Error(`The service ended with ${child.exitCode}.`);
    await sleep(50);
  }
}

const isLive = (address: string) =>
  fetch(`${address}/health/live`).then(
    async (answer) => (await answer.text()) !== '' && answer.ok,
    () => false,
  );

/** Makes it write so many lines, and stops it. @returns its exit code; null where it had to be killed */
async function use(child: ChildProcess, address: string, lines: number): Promise<number | null> {
  for (let line = 0; line < lines; line += 1) await (await fetch(`${address}/nothing`)).text();
  if (!(await isLive(address))) return null;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
  const [code] = await ended;
  clearTimeout(late);
  return code;
}

t.test('a full disk under the log', { skip: !existsSync('/dev/full') && 'needs /dev/full' }, async (t) => {
  const { child, address } = await start(t, openSync('/dev/full', 'w'));
  t.equal(await use(child, address, 20), 0, 'the service answers, and ends when it is told to');
});

t.test('nobody reads the log', async (t) => {
  const { child, address } = await start(t, 'pipe');
  t.equal(await use(child, address, 3_000), 0, 'the service answers, and ends when it is told to');
});

t.test('whoever reads the log is gone', async (t) => {
  const { child, address } = await start(t, 'pipe');
  child.stdout?.destroy();
  t.equal(await use(child, address, 20), 0, 'the service answers, and ends when it is told to');
});
