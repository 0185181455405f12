import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import sharp from 'sharp';
import type { Test } from 'tap';
import { FormData, fetch } from 'undici';
import type { RewardResult } from '../../schemas/reward.ts';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createVllmEngine } from '../../src/engine/vllm/vllm.ts';
import { readiness } from '../support/readiness.ts';

/** One episode for both the oracle and the service. */
export interface Case {
  name: string;
  files: Buffer[];
  fps: number;
  instruction: string;
  prompt?: 'open' | 'chat';
  /** false: the oracle leaves the frames at their size */
  resize?: boolean;
}

/** What test/engine/oracle.py gives for a case. */
export interface OracleAnswer {
  name: string;
  lengths: number[];
  sampled: number[];
  log_prob_true: number[];
  log_prob_false: number[];
  token_ids: { true: number; false: number };
  input_ids: number[];
}

/** @throws Error when with-engine.sh has not set the variable */
function environment(name: 'ENGINE_URL' | 'CHECKPOINT' | 'VLLM_PYTHON'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this through test/engine/with-engine.sh.`);
  return value;
}

/** The service on a socket, on the real engine. */
export async function startService(t: Test, env: Record<string, string> = {}): Promise<string> {
  const config = loadConfig({ ENGINE_URL: environment('ENGINE_URL'), DEADLINE_S: '300', ...env });
  const app = await buildApp(config, createVllmEngine(config, pino({ level: 'warn' }), { eagerMs: 500 }));
  t.teardown(() => app.close());
  await readiness(app, 200);
  return app.listen({ port: 0 });
}

export async function post(address: string, files: Buffer[], episode: object, headers: Record<string, string> = {}) {
  const body = new FormData();
  body.set('episode', JSON.stringify(episode));
  for (const [i, file] of files.entries()) body.append('frames', new Blob([new Uint8Array(file)]), `${i}`);
  const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', body, headers });
  return { status: answer.status, body: (await answer.json()) as RewardResult };
}

/** Runs the oracle over all cases with one load of the model. */
export async function askOracle(cases: Case[]): Promise<Map<string, OracleAnswer>> {
  const folder = await mkdtemp(join(tmpdir(), 'oracle-'));
  try {
    const documents = await Promise.all(
      cases.map(async ({ files, ...rest }) => {
        await mkdir(join(folder, rest.name));
        const frames = files.map((_, i) => join(rest.name, String(i)));
        await Promise.all(files.map((file, i) => writeFile(join(folder, frames[i] as string), file)));
        return { ...rest, frames };
      }),
    );
    await writeFile(join(folder, 'cases.json'), JSON.stringify(documents));
    const script = new URL('../engine/oracle.py', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(
      environment('VLLM_PYTHON'),
      [script, environment('CHECKPOINT'), join(folder, 'cases.json')],
      { maxBuffer: 1 << 28, env: { ...process.env, HF_HUB_OFFLINE: '1' } },
    );
    return new Map((JSON.parse(stdout) as OracleAnswer[]).map((answer) => [answer.name, answer]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A recorded Meta-World episode: its JPEG files and what is known of it. */
export async function recorded(name: string): Promise<{ files: Buffer[]; fps: number; instruction: string }> {
  const folder = new URL(`../fixtures/episodes/${name}/`, import.meta.url);
  const names = (await readdir(folder)).filter((file) => file.endsWith('.jpg')).sort();
  const files = await Promise.all(names.map((file) => readFile(new URL(file, folder))));
  const { fps, instruction } = JSON.parse(await readFile(new URL('episode.json', folder), 'utf8'));
  return { files, fps, instruction };
}

/** Frames as 244×244 PNG: nothing is left for the service to resize. */
export function atReferenceSize(files: Buffer[]): Promise<Buffer[]> {
  return Promise.all(files.map((file) => sharp(file).resize(244, 244, { fit: 'fill' }).png().toBuffer()));
}

/** A moving square over a slanted pattern; no two frames and no two seeds are alike. */
export function synthetic(count: number, seed: number, width = 244, height = 244): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const pixels = Buffer.alloc(width * height * 3);
      const [left, top] = [(index * 11 + seed * 37) % (width - 40), (index * 5 + seed * 53) % (height - 40)];
      for (let i = 0; i < pixels.length; i += 1) {
        const x = Math.floor(i / 3) % width;
        const y = Math.floor(i / 3 / width);
        const inside = x >= left && x < left + 40 && y >= top && y < top + 40;
        pixels[i] = inside ? 255 - (i % 3) * 90 : (x * 3 + y * (seed + 1) + (i % 3) * 40 + index) % 200;
      }
      return sharp(pixels, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
    }),
  );
}
