import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { fetch } from 'undici';

const SERVER = new URL('../../src/server.ts', import.meta.url).pathname;
/** Time for the service to stop: one second for its last log lines, and a few more for the rest. */
const END_MS = 8_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Starts a service whose log nobody reads, and waits until it is live. */
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

/** Makes the service write this number of log lines, and stops it. @returns its exit code; null if it was killed */
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

t.test(
  'a full disk for the log does not stop the service',
  { skip: !existsSync('/dev/full') && 'needs /dev/full' },
  async (t) => {
    const { child, address } = await start(t, openSync('/dev/full', 'w'));
    t.equal(await use(child, address, 20), 0, 'the service responds, and stops on SIGTERM');
  },
);

t.test('a log that nobody reads does not stop the service', async (t) => {
  const { child, address } = await start(t, 'pipe');
  t.equal(await use(child, address, 3_000), 0, 'the service responds, and stops on SIGTERM');
});

t.test('a closed log pipe does not stop the service', async (t) => {
  const { child, address } = await start(t, 'pipe');
  child.stdout?.destroy();
  t.equal(await use(child, address, 20), 0, 'the service responds, and stops on SIGTERM');
});
