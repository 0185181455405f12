/**
 * Starts the service on the engine at ENGINE_URL, scores the two recorded episodes over HTTP, and shows their curves.
 * It then goes on serving until Ctrl-C, or ends at once with --once.
 */
import { readdir, readFile } from 'node:fs/promises';
import { pino } from 'pino';
import type { RewardResult } from '../schemas/reward.ts';
import { buildApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { createVllmEngine } from '../src/engine/vllm/vllm.ts';

const EPISODES = new URL('../test/fixtures/episodes/', import.meta.url);
const BARS = '▁▂▃▄▅▆▇█';

async function score(service: string, name: string): Promise<RewardResult> {
  const folder = new URL(`${name}/`, EPISODES);
  const { instruction, fps } = JSON.parse(await readFile(new URL('episode.json', folder), 'utf8'));
  const form = new FormData();
  form.set('episode', JSON.stringify({ instruction, fps }));
  for (const file of (await readdir(folder)).sort().filter((entry) => entry.endsWith('.jpg'))) {
    form.append('frames', new Blob([new Uint8Array(await readFile(new URL(file, folder)))]), file);
  }
  const answer = await fetch(`${service}/v1/rewards`, { method: 'POST', body: form });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as RewardResult;
}

function show(
  name: string,
  { progress_curve, score: final, log_prob_range, voc, usage, provenance }: RewardResult,
): void {
  const bar = (value: number) => BARS[Math.round(value * (BARS.length - 1))];
  console.log(`\n${name}`);
  console.log(`  progress  ${progress_curve.map(bar).join('')}`);
  console.log(
    `  log p     ${log_prob_range.min.toFixed(3)} … ${log_prob_range.max.toFixed(3)}${log_prob_range.flat ? ' (flat)' : ''}`,
  );
  console.log(`  score     ${final.toFixed(3)}    voc ${voc?.toFixed(3) ?? 'undefined'}`);
  console.log(
    `  asked     ${usage.engine_requests} questions, ${usage.prompt_tokens} tokens, ${usage.cached_tokens} of them cached`,
  );
  console.log(
    `  model     ${provenance.model} on ${provenance.engine.name} ${provenance.engine.version}, ${provenance.layout} layout`,
  );
}

const config = loadConfig(process.env);
const app = await buildApp(config, createVllmEngine(config, pino({ level: 'warn' })));
const service = await app.listen({ host: config.HOST, port: config.PORT });
console.log(`The service is at ${service} and waits for its engine at ${config.ENGINE_URL}.`);
while ((await app.inject('/health/ready')).statusCode !== 200) await new Promise((resolve) => setTimeout(resolve, 500));

for (const name of await readdir(EPISODES)) show(name, await score(service, name));

if (process.argv.includes('--once')) {
  await app.close();
} else {
  console.log(`\nStill serving: try ${service}/docs. Ctrl-C stops the service and its engine.`);
  process.once('SIGINT', () => app.close());
  process.once('SIGTERM', () => app.close());
}
