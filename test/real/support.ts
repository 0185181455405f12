import { pino } from 'pino';
import sharp from 'sharp';
import type { Test } from 'tap';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createVllmEngine } from '../../src/engines/vllm/vllm.ts';
import { readFamily } from '../../src/families/read-family.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { environment } from '../support/oracle.ts';
import { readiness } from '../support/readiness.ts';

/** Starts the service on a socket, with the real engine. */
export async function startService(t: Test, env: Record<string, string> = {}): Promise<string> {
  const config = loadConfig({
    ENGINE_URL: env['ENGINE_URL'] ?? environment('ENGINE_URL'),
    MODEL_PROFILE: process.env['MODEL_PROFILE'],
    DEADLINE_S: '300',
    ...env,
  });
  const family = await readFamily(config.MODEL_PROFILE);
  const engine = createVllmEngine(config, pino({ level: 'warn' }), TOPREWARD, { family, unreadyCheckMs: 500 });
  const app = await buildApp(config, engine);
  t.teardown(() => app.close());
  await readiness(app, 200);
  return app.listen({ port: 0 });
}

/** Converts frames to 244×244 PNG, so that the service need not resize them. */
export function atReferenceSize(files: Buffer[]): Promise<Buffer[]> {
  return Promise.all(files.map((file) => sharp(file).resize(244, 244, { fit: 'fill' }).png().toBuffer()));
}

/** Makes frames of a square that moves over a pattern. All frames differ, and so do the frames of different seeds. */
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
