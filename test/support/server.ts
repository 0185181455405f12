import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { FormData, fetch } from 'undici';
import type { Model as ModelDescription } from '../../schemas/model.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { MODEL_DIR } from '../engines/embedded/support.ts';
import { npyFile } from './images.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A service in a separate process, started in the same way as by `npm start`. */
export interface Server {
  address: string;
  process: ChildProcess;
}

/** The output of a service that did not start. */
export interface Refusal {
  code: number | null;
  /** messages of its log */
  lines: string[];
  errors: string;
}

/**
 * Starts the service in a folder and waits until it listens or ends.
 * @param env added to the environment of this process; ENGINE_URL is not inherited
 */
export async function launch(t: Test, env: Record<string, string>, cwd = ROOT): Promise<Server | Refusal> {
  const { ENGINE_URL: _, ...inherited } = process.env;
  const child = spawn(process.execPath, ['src/server.ts'], {
    cwd,
    env: { ...inherited, MODEL_DIR, PORT: '0', EMBEDDED_THREADS: '1', RENDER_WORKERS: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.once('exit', () => child.kill());
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const { msg } = JSON.parse(line) as { msg: string };
    lines.push(msg);
    const address = /Server listening at (http:\S+)/.exec(msg)?.[1];
    if (!address) continue;
    child.stdout.resume();
    return { address, process: child };
  }
  if (child.exitCode === null) await once(child, 'exit');
  return { code: child.exitCode, lines, errors };
}

/** Starts the service. @throws Error if it does not start */
export async function startServer(t: Test, env: Record<string, string> = {}): Promise<Server> {
  const server = await launch(t, env);
  if ('code' in server) throw new Error(`The service ended with ${server.code}: ${server.lines} ${server.errors}`);
  return server;
}

export async function describeModel(address: string): Promise<ModelDescription> {
  return (await (await fetch(`${address}/v1/model`)).json()) as ModelDescription;
}

/** Posts an episode with one .npy of `count` frames of 64×48 pixels. Each seed gives different frames. */
export async function postEpisode(
  address: string,
  count: number,
  episode: object = {},
  options: { signal?: AbortSignal; headers?: Record<string, string>; seed?: number } = {},
) {
  const { seed = 0, ...rest } = options;
  const form = new FormData();
  form.set('episode', JSON.stringify({ instruction: 'Open the drawer.', fps: 2, ...episode }));
  form.set('npy', new Blob([new Uint8Array(moving(count, seed))]), 'frames.npy');
  const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', body: form, ...rest });
  return { status: answer.status, body: (await answer.json()) as RewardResult & Record<string, unknown> };
}

/** Makes an .npy whose frames show a square that moves over a gradient. */
function moving(count: number, seed: number): Buffer {
  const [width, height] = [64, 48];
  const pixels = Buffer.alloc(count * width * height * 3);
  for (let i = 0; i < pixels.length; i += 1) {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width) % height];
    const frame = Math.floor(i / 3 / width / height);
    const inside = (x + frame + seed) % 50 < 12 && (y + 2 * seed) % 40 < 12;
    pixels[i] = inside ? 250 - 80 * c : (3 * x + 2 * y + 30 * c + 11 * seed) % 160;
  }
  return npyFile(pixels, { shape: [count, height, width, 3] });
}
