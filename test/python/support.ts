import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { FormData, fetch } from 'undici';
import type { RewardResult } from '../../schemas/reward.ts';
import { examplesPython } from '../support/needs.ts';
import { ROOT } from '../support/server.ts';

/** A Python program that has ended. */
export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A Python program that runs. */
export interface Running {
  process: ChildProcess;
  ended: Promise<Run>;
}

/**
 * Starts Python with the package of clients/python.
 * @param args arguments of Python: a file, relative to the root of the repository, and its arguments
 * @param heard called with each line of stdout and stderr as it arrives
 * @param env added to the environment of this process
 */
export function startPython(
  t: Test,
  args: string[],
  heard: (line: string) => void = () => {},
  env: Record<string, string> = {},
  cwd = ROOT,
): Running {
  const child = spawn(examplesPython(), args, {
    cwd,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', MUJOCO_GL: 'osmesa', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill());
  const read = async (stream: NodeJS.ReadableStream) => {
    let text = '';
    for await (const line of createInterface(stream)) {
      text += `${line}\n`;
      heard(line);
    }
    return text;
  };
  const ended = Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr, [code]]) => ({ code, stdout, stderr }),
  );
  return { process: child, ended };
}

export const runPython = (t: Test, ...args: string[]): Promise<Run> => startPython(t, args).ended;

/** Scores an episode that is one .npy, in one request. */
export async function postNpy(address: string, npy: Buffer, episode: object): Promise<RewardResult> {
  const form = new FormData();
  form.set('episode', JSON.stringify(episode));
  form.set('npy', new Blob([new Uint8Array(npy)]), 'frames.npy');
  const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', body: form });
  if (answer.status !== 200) throw new Error(await answer.text());
  return (await answer.json()) as RewardResult;
}

/** Reads a gauge from the metrics of a service. */
export async function gauge(address: string, name: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`There is no ${name} in:\n${text}`);
  return Number(value);
}

/** Repeats the check until it is true. The time limit of the test ends it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

/**
 * Runs a folder of the package's tests, with an assertion for each. None may be skipped.
 * @param folder relative to clients/python
 */
export async function pytest(t: Test, folder: string, env: Record<string, string>): Promise<void> {
  const args = ['-m', 'pytest', '-rA', '--tb=short', '-p', 'no:cacheprovider', folder];
  // A folder of its own: pytest removes those of earlier runs from the common one, and other test files run at the same time.
  const temporary = await mkdtemp(join(tmpdir(), 'topreward-pytest-'));
  t.teardown(() => rm(temporary, { recursive: true, force: true }));
  const own = { ...env, PYTEST_DEBUG_TEMPROOT: temporary };
  const { code, stdout, stderr } = await startPython(t, args, undefined, own, join(ROOT, 'clients/python')).ended;
  const summary = stdout.slice(stdout.lastIndexOf('short test summary info'));
  const lines = [...summary.matchAll(/^(PASSED|FAILED|ERROR|SKIPPED) (?:\[\d+\] )?(.+)$/gm)];
  t.ok(lines.length > 0, `${folder} has tests`, { diagnostic: true, stdout, stderr });
  for (const [, outcome, name = ''] of lines) t.equal(outcome, 'PASSED', name);
  t.equal(code, 0, 'exit code', code === 0 ? {} : { stdout, stderr });
}
