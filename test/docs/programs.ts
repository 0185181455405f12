import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { examplesPython } from '../support/needs.ts';
import { ROOT } from './markdown.ts';

/** Longest time for one code block, in seconds. */
const BLOCK_S = 60;

/** How a program ended and what it printed. */
export interface Printed {
  /** exit code, or why there is none */
  code: number | string;
  stdout: string;
  stderr: string;
}

/** Where a program runs. */
export interface Place {
  folder: string;
  env: Record<string, string>;
  /** a folder for the files that receive the output */
  scratch: string;
}

/**
 * Runs a program until it ends. Its output goes to files, because a program that it leaves running can keep a pipe open.
 * What it leaves running ends with the test.
 */
export async function runProgram(t: Test, { folder, env, scratch }: Place, file: string, ...args: string[]) {
  const streams = streamsIn(scratch);
  const [stdout, stderr] = streams.map((stream) => openSync(stream, 'w')) as [number, number];
  const child = spawn(file, args, { cwd: folder, env, stdio: ['ignore', stdout, stderr], detached: true });
  closeSync(stdout);
  closeSync(stderr);
  t.teardown(() => endGroup(child));
  const timer = setTimeout(() => endGroup(child), BLOCK_S * 1000);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  return readOutput(signal ? `none: ${signal}, the limit is ${BLOCK_S} s` : code, streams);
}

/** One Python interpreter for all Python blocks of a page: names of one block are known in the next. */
export function startPython(t: Test, env: Record<string, string>) {
  const child = spawn(examplesPython(), [join(ROOT, 'test/docs/cells.py')], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  t.teardown(() => endGroup(child));
  const replies = createInterface(child.stdout);

  /** @param name of the block, for tracebacks */
  return async (code: string, name: string, { folder, env, scratch }: Place): Promise<Printed> => {
    const streams = streamsIn(scratch);
    const [stdout, stderr] = streams;
    child.stdin.write(`${JSON.stringify({ code, name, folder, env, stdout, stderr })}\n`);
    const timer = setTimeout(() => endGroup(child), BLOCK_S * 1000);
    const [reply] = await Promise.race([once(replies, 'line'), once(child, 'exit').then(() => [])]);
    clearTimeout(timer);
    return readOutput(reply === undefined ? `none: the limit is ${BLOCK_S} s` : Number(reply), streams);
  };
}

const streamsIn = (scratch: string): [string, string] => [join(scratch, 'stdout'), join(scratch, 'stderr')];

function readOutput(code: number | string, streams: [string, string]): Printed {
  const [stdout, stderr] = streams.map((file) => readFileSync(file, 'utf8')) as [string, string];
  return { code, stdout, stderr };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended already.
  }
}
