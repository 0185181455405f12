import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const RUN = fileURLToPath(new URL('./run-in-image.sh', import.meta.url));

/** @throws Error when with-image.sh has not set the variable */
export function environment(name: 'IMAGE_CONFIG' | 'VLLM_VENV'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this through test/image/with-image.sh.`);
  return value;
}

/** The configuration of the image, with the names of Docker's format. */
export interface ImageConfig {
  User: string;
  WorkingDir: string;
  /** NAME=value */
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  ExposedPorts: Record<string, object>;
  Healthcheck: { Test: string[] };
}

export function imageConfig(): ImageConfig {
  return JSON.parse(readFileSync(environment('IMAGE_CONFIG'), 'utf8')).Docker.config;
}

/** The service, running in its image as process 1. */
export interface Container {
  address: string;
  /** process id of process 1, as seen from the machine */
  pid: number;
  env: string[];
  /** Exits when process 1 exits, with the same exit code. */
  process: ChildProcess;
}

/**
 * Starts the command of the image, and waits until the service listens.
 * @param settings environment variables besides those of the image
 * @throws Error with the output if the service exits before that
 */
export async function startContainer(t: Test, settings: Record<string, string>): Promise<Container> {
  const { Env, Entrypoint, Cmd } = imageConfig();
  const env = [...Env, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)];
  const child = contained([RUN, ...env, ...Entrypoint, ...Cmd]);
  t.teardown(() => ended(child));
  const errors = text(child.stderr);
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    const address = /Server listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (!address) continue;
    child.stdout.resume();
    return { address, pid: firstChild(child), env, process: child };
  }
  throw new Error(`The service exited: ${lines.join('\n')} ${await errors}`);
}

/** Runs the command of the image until it exits, with other settings. */
export async function runToEnd(settings: Record<string, string>) {
  const { Env, Entrypoint, Cmd } = imageConfig();
  const env = [...Env, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)];
  return outcome(contained([RUN, ...env, ...Entrypoint, ...Cmd]));
}

/** Runs a command in a running container, as its user and with its environment, like `docker exec`. */
export function inContainer({ pid, env }: Container, command: string[], settings: string[] = []) {
  const enter = ['nsenter', '--target', String(pid), '--mount', '--pid', '--root', '--wd'];
  const user = ['setpriv', '--no-new-privs', '--reuid=1000', '--regid=1000', '--clear-groups'];
  return outcome(contained([...enter, '--', ...user, 'env', '--ignore-environment', ...env, ...settings, ...command]));
}

/** Starts a command. The kernel kills it when this process ends, for any reason. */
export function contained([...command]: string[], env: NodeJS.ProcessEnv = process.env) {
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function outcome(child: ReturnType<typeof contained>) {
  const [stdout, stderr, [code]] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, stdout, stderr };
}

/** Process 1 of the namespace that a child of this process has created with unshare. */
export function firstChild({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

/** Sends SIGTERM to process 1 of a namespace, and waits until the namespace has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  process.kill(firstChild(child), 'SIGTERM');
  await exit;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
