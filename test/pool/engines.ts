import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { fetch } from 'undici';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODEL_DIR = join(ROOT, 'models/topreward-pico');

/** A process that listens on a port of this machine. */
export interface Running {
  port: number;
  url: string;
  process: ChildProcess;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

/** Starts a program, and waits until a request to `path` has status 200. It ends with the test. */
export async function start(
  t: Test,
  command: string[],
  { port, path, env = {}, patienceS }: { port: number; path: string; env?: Record<string, string>; patienceS: number },
): Promise<Running> {
  const [program = '', ...args] = command;
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const log = `.cache/pool-${port}.log`;
  const opened = openSync(join(ROOT, log), 'w');
  const child = spawn(program, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', opened, opened] });
  closeSync(opened);
  const ended = once(child, 'close');
  let isReady = false;
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
    // Each run has other ports. What went well would leave a file each time. An engine that was started again has the same log.
    if (isReady && t.passing()) rmSync(join(ROOT, log), { force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const until = Date.now() + 1000 * patienceS;
  while (!(await responds(`${url}${path}`))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`${program} is not ready: ${log}`);
    await sleep(500);
  }
  isReady = true;
  return { port, url, process: child };
}

/** Starts a real vLLM on the CPU with the model of this repository. */
export function startEngine(t: Test, port: number): Promise<Running> {
  const env = { PORT: String(port), MODEL_DIR, VLLM_CPU_OMP_THREADS_BIND: 'nobind' };
  return start(t, [join(ROOT, 'test/engine/serve.sh')], { port, path: '/health', env, patienceS: 420 });
}

/** Kills vLLM's API process, as the system does if memory runs out. serve.sh then ends the processes that it left. */
export async function killEngine({ process: { pid }, process: serving }: Running): Promise<void> {
  const ended = once(serving, 'close');
  execFileSync('pkill', ['-KILL', '-P', String(pid)]);
  await ended;
}

/** Requests that an engine has completed. */
export async function completed({ url }: Pick<Running, 'url'>): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = text.matchAll(/^vllm:request_success_total\{.*\} ([\d.e+]+)$/gm);
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
}

async function responds(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
