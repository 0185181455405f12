import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START_TIMEOUT_MS = 60_000;
/** Most connections to one address. Further requests wait for one. */
export const CONNECTIONS = 256;
const dispatcher = new Agent({ connections: CONNECTIONS, headersTimeout: 0, bodyTimeout: 0 });

/** A Node program of this project that runs in a separate process and serves HTTP. */
export interface Program {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts a program and waits until it has written its address to standard output.
 * @param script path relative to the root of the project
 * @throws Error if it ends before that
 */
export async function startProgram(script: string, env: Record<string, string> = {}): Promise<Program> {
  const child = spawn(process.execPath, [script], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stopping = false;
  let output = '';
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      if (!stopping) console.error(`${script} ended unexpectedly with ${code ?? signal}: ${output}`);
      resolve();
    });
  });
  const kill = () => child.kill();
  process.once('exit', kill);
  const url = await new Promise<string>((resolve, reject) => {
    // All output is read, because a full pipe would block the program.
    child.stdout.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4096);
      const address = /listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
      if (address) resolve(address);
    });
    child.once('exit', () => reject(new Error(`${script} did not start.`)));
  });
  return {
    url,
    pid: child.pid as number,
    async stop() {
      stopping = true;
      process.off('exit', kill);
      kill();
      await ended;
    },
  };
}

/** Starts the service on a free port and waits until its engine is ready. */
export async function startService(engineUrl: string, env: Record<string, string> = {}): Promise<Program> {
  const settings = {
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'info',
    DEADLINE_S: '600',
    ENGINE_URL: engineUrl,
    ...env,
  };
  const service = await startProgram('src/server.ts', settings);
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await fetch(`${service.url}/health/ready`)).ok) {
    if (performance.now() > deadline) throw new Error('The service did not become ready. See its log.');
    await sleep(100);
  }
  return service;
}

/** The bytes of an upload, as sent over HTTP. */
export interface UploadBody {
  contentType: string;
  bytes: Buffer;
}

/** Makes a multipart form of one episode and its frame files. */
export function multipart(episode: object, frames: Uint8Array[], mediaType: string): UploadBody {
  const boundary = 'topreward-bench-boundary';
  const part = (name: string, type: string, content: Uint8Array | string, file = '') => [
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\ncontent-type: ${type}\r\n\r\n`,
    ),
    Buffer.from(content as Uint8Array),
    Buffer.from('\r\n'),
  ];
  const bytes = Buffer.concat([
    ...part('episode', 'application/json', JSON.stringify(episode)),
    ...frames.flatMap((frame, i) => part('frames', mediaType, frame, `; filename="${i}"`)),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes };
}

/**
 * Sends an upload and reads the complete response.
 * @returns its status and text, and the wall time of the call in ms
 */
export async function send(
  url: string,
  { contentType, bytes }: UploadBody,
): Promise<{ status: number; text: string; ms: number }> {
  const started = performance.now();
  const headers = { 'content-type': contentType, 'content-length': String(bytes.length) };
  const { statusCode, body } = await request(url, { method: 'POST', headers, body: bytes, dispatcher });
  const text = await body.text();
  return { status: statusCode, text, ms: performance.now() - started };
}

/**
 * Sends an upload and reads the complete response.
 * @returns the response and the wall time of the call in ms
 * @throws Error if the status is not 200
 */
export async function post<Answer>(url: string, upload: UploadBody): Promise<{ answer: Answer; ms: number }> {
  const { status, text, ms } = await send(url, upload);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return { answer: JSON.parse(text) as Answer, ms };
}

/** CPU time of a process and its threads so far in ms, with a resolution of 10 ms. Linux only. */
export function cpuMs(pid: number): number {
  return cpuIn(`/proc/${pid}/stat`);
}

/** CPU time of the main thread of a process so far in ms, with a resolution of 10 ms. Linux only. */
export function mainThreadCpuMs(pid: number): number {
  return cpuIn(`/proc/${pid}/task/${pid}/stat`);
}

function cpuIn(file: string): number {
  const stat = readFileSync(file, 'latin1');
  // Fields 14 and 15, in hundredths of a second. The process name before them may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** CPU time of all processes of this machine so far in ms, with a resolution of 10 ms. Linux only. */
export function machineCpuMs(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    /^cpu .*/.exec(readFileSync('/proc/stat', 'latin1'))?.[0] ?? ''
  )
    .split(/ +/)
    .map(Number);
  return (user + nice + system + irq + softirq) * 10;
}

/** Peak memory of a process in MiB. Linux only. */
export function peakMemoryMiB(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(line?.[1]) / 1024;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}

/** Formats a plain text table. The first column is text, the others are numbers. */
export function table(head: string[], rows: (string | number)[][]): string {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => (row[i] as string).length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join('  ');
  return cells.map(line).join('\n');
}
