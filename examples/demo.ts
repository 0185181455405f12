/**
 * Starts the service, scores the two recorded episodes over HTTP and draws their curves: the log probability of True for
 * each prefix. The service then runs until Ctrl-C; with --once, the program ends. The environment variables are those of
 * the service.
 */
import { readdir, readFile } from 'node:fs/promises';
import { pino } from 'pino';
import type { RewardResult } from '../schemas/reward.ts';
import { buildApp } from '../src/app.ts';
import { configOrExit } from '../src/config/config.ts';
import { createEngine } from '../src/engines/create-engine.ts';
import { TOPREWARD } from '../src/methods/topreward/method.ts';
import { drawCurves } from './curve.ts';

const EPISODES = new URL('episodes/', import.meta.url);

async function score(service: string, name: string): Promise<RewardResult> {
  const folder = new URL(`${name}/`, EPISODES);
  const { instruction, fps } = JSON.parse(await readFile(new URL('episode.json', folder), 'utf8'));
  const form = new FormData();
  form.set('episode', JSON.stringify({ instruction, fps, id: name }));
  for (const file of (await readdir(folder)).sort().filter((entry) => entry.endsWith('.jpg'))) {
    form.append('frames', new Blob([new Uint8Array(await readFile(new URL(file, folder)))]), file);
  }
  const response = await fetch(`${service}/v1/rewards`, { method: 'POST', body: form });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as RewardResult;
}

const config = configOrExit();
const app = await buildApp(config, await createEngine(config, pino({ level: 'warn' }), TOPREWARD));
const service = await app.listen({ host: config.HOST, port: config.PORT }).catch((error: Error) => {
  console.error(`Cannot listen on HOST=${config.HOST}, PORT=${config.PORT}: ${error.message}`);
  process.exit(1);
});
while ((await app.inject('/health/ready')).statusCode !== 200) await new Promise((resolve) => setTimeout(resolve, 200));

const names = (await readdir(EPISODES)).sort().reverse();
console.log(drawCurves(await Promise.all(names.map((name) => score(service, name)))));

if (process.argv.includes('--once')) {
  await app.close();
} else {
  console.log(`\nThe service is running: open ${service} in a browser. Press Ctrl-C to stop it.`);
  process.once('SIGINT', () => app.close());
  process.once('SIGTERM', () => app.close());
}
