import { type Logger, pino } from 'pino';
import sharp from 'sharp';
import type { Test } from 'tap';
import { FormData, fetch } from 'undici';
import type { RewardResult } from '../../../schemas/reward.ts';
import { buildApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { createVllmEngine } from '../../../src/engines/vllm/vllm.ts';
import { readFamily } from '../../../src/families/read-family.ts';
import { TOPREWARD } from '../../../src/methods/topreward/method.ts';
import { type Behaviour, startFakeVllm } from '../../support/fake-vllm.ts';

/** Short pauses while the engine is not ready. While it is ready, it is checked only if a test sets other times. */
const TIMES = { unreadyCheckMs: 20, readyCheckMs: 60_000 };

/** Starts the service on a socket, with a fake vLLM. By default the fake is healthy. */
export async function startService(
  t: Test,
  behaviour: Partial<Behaviour> = {},
  env: Record<string, string> = {},
  { log, ...times }: { log?: Logger; unreadyCheckMs?: number; readyCheckMs?: number; checkTimeoutMs?: number } = {},
) {
  const fake = await startFakeVllm(behaviour);
  const config = loadConfig({ ENGINE_URL: fake.url, RENDER_WORKERS: '2', SECRET: 'secret', ...env });
  const family = await readFamily(config.MODEL_PROFILE);
  const engine = createVllmEngine(config, log ?? pino({ level: 'silent' }), TOPREWARD, { family, ...TIMES, ...times });
  const app = await buildApp(config, engine, log);
  t.teardown(async () => {
    await app.close();
    await fake.close();
  });
  const address = await app.listen({ port: 0 });
  return { fake, app, engine, address };
}

/** Makes a frame of one colour, which depends on the number. */
export async function frame(number: number, side = 32): Promise<Buffer> {
  const background = { r: (number * 37) % 256, g: (number * 91) % 256, b: number % 256 };
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .png()
    .toBuffer();
}

export async function form(episode: object, frames: number): Promise<FormData> {
  const body = new FormData();
  body.set('episode', JSON.stringify(episode));
  for (let i = 0; i < frames; i += 1) body.append('frames', new Blob([new Uint8Array(await frame(i))]), `${i}.png`);
  return body;
}

/** Posts an episode and reads the response. */
export async function post(
  address: string,
  frames: number,
  episode: object = {},
  options: { signal?: AbortSignal; headers?: Record<string, string> } = {},
) {
  const body = await form({ instruction: 'Go.', fps: 2, ...episode }, frames);
  const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', body, ...options });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as RewardResult & Record<string, unknown>,
  };
}
