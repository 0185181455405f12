/**
 * Starts the service, scores the two recorded episodes over HTTP and draws their curves. It then goes on serving until
 * Ctrl-C, or ends at once with --once. The environment chooses the engine as it does for the service itself.
 */
import { readdir, readFile } from 'node:fs/promises';
import { pino } from 'pino';
import type { RewardResult } from '../schemas/reward.ts';
import { buildApp } from '../src/app.ts';
import { configOrExit } from '../src/config.ts';
import { createEngine } from '../src/engine/create-engine.ts';
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
  const answer = await fetch(`${service}/v1/rewards`, { method: 'POST', body: form });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as RewardResult;
}

const config = configOrExit();
const app = await buildApp(config, await createEngine(config, pino({ level: 'warn' })));
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
  console.log(`\nStill serving: open ${service} in a browser. Ctrl-C stops it.`);
  process.once('SIGINT', () => app.close());
  process.once('SIGTERM', () => app.close());
}
