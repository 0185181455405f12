import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { fetch } from 'undici';
import type { RewardResult } from '../../schemas/reward.ts';
import { startService, synthetic } from '../real/support.ts';
import { growingEpisode } from '../support/growing.ts';
import { needing } from '../support/needs.ts';
import { post } from '../support/recorded.ts';
import { completed, freePort, killEngine, type Running, start, startEngine } from './engines.ts';

t.setTimeout(1_500_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const needs = needing('vllm', 'haproxy', 'vllm-router');

/** Largest permitted difference of the same query on two engines, in nats. */
const TOLERANCE = 1e-4;
const EPISODES = 12;
const FRAMES = 8;
const asked = { instruction: 'Open the drawer.', fps: 2, prefixes: { every: 1 } };

/** How each router is started in front of two engines. */
const ROUTERS: Record<string, (t: Test, engines: Running[]) => Promise<Running>> = {
  async haproxy(t, engines) {
    const port = await freePort();
    const [first, second] = engines.map((engine) => `127.0.0.1:${engine.port}`);
    const env = { BIND: `127.0.0.1:${port}`, ENGINE_0: first ?? '', ENGINE_1: second ?? '' };
    const command = ['haproxy', '-f', join(ROOT, 'docker/vllm/haproxy.cfg')];
    return start(t, command, { port, path: '/health', env, patienceS: 30 });
  },
  async 'vllm-router'(t, engines) {
    const port = await freePort();
    const urls = engines.map(({ url }) => url);
    const flags = [
      ...['--host', '127.0.0.1', '--port', String(port), '--worker-urls', ...urls, '--policy', 'consistent_hash'],
      ...['--disable-retries', '--cb-failure-threshold', '3', '--cb-timeout-duration-secs', '10'],
      ...['--health-check-interval-secs', '5', '--health-failure-threshold', '2', '--request-timeout-secs', '600'],
    ];
    return start(t, [join(ROOT, '.cache/router/bin/vllm-router'), ...flags], { port, path: '/health', patienceS: 60 });
  },
};

const logProbs = ({ prefixes }: RewardResult) => prefixes.map(({ log_prob_true }) => log_prob_true);
const distance = (a: number[], b: number[]) => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));

for (const [name, startRouter] of Object.entries(ROUTERS)) {
  t.test(`${name} in front of two vLLM servers`, needs, async (t) => {
    const [one, other] = [await startEngine(t, await freePort()), await startEngine(t, await freePort())];
    const router = await startRouter(t, [one, other]);
    const pool = { ENGINE_URL: router.url, ENGINE_REPLICAS: '2', ENGINE_FRAME_SIDE: '128' };
    const address = await startService(t, pool);
    const forgetful = await startService(t, { ...pool, RECENT_FRAMES_BYTES: '0' });
    const episodes = await Promise.all(Array.from({ length: EPISODES }, (_, i) => synthetic(FRAMES, i, 128, 128)));
    const scoreAll = () => Promise.all(episodes.map((files) => post(address, files, asked)));

    const before = await Promise.all([one, other].map(completed));
    const undisturbed = await scoreAll();
    for (const { status, body } of undisturbed) t.equal(status, 200, JSON.stringify(body));
    const used = (await Promise.all([one, other].map(completed))).map((count, i) => count - (before[i] ?? 0));
    t.ok(
      used.every((count) => count > 0),
      `episodes spread: ${used} requests`,
    );
    for (const { body } of await scoreAll()) {
      const { cached_tokens: cached, prompt_tokens: all, engine_resends: resends } = body.usage;
      t.ok((cached ?? 0) > 0.5 * all && resends === 0, `an episode stays: ${cached} of ${all} tokens are cached`);
    }

    /** Adds frames of one episode from each service, then compares its numbers with those of the complete episode. */
    const growing = episodes.map((_, i) =>
      growingEpisode(i % 2 ? forgetful : address, { ...asked, prefixes: { last: 1 } }),
    );
    const grow = async (frame: number) =>
      Promise.all(
        growing.map(async (step, i) => {
          const { body, tries, sent } = await step(episodes[i]?.[frame] as Buffer);
          const expected = logProbs(undisturbed[i]?.body as RewardResult)[frame] ?? Number.NaN;
          const furthest = Math.abs((body.prefixes[0]?.log_prob_true ?? Number.NaN) - expected);
          t.ok(furthest <= TOLERANCE, `episode ${i}, frame ${frame}: ${furthest}`);
          return { tries, sent, remembers: i % 2 === 0 };
        }),
      );
    for (const frame of [0, 1, 2]) {
      for (const { tries, remembers } of await grow(frame)) t.ok(tries === 1 || !remembers);
    }

    const watching = new AbortController();
    const unready = watchReadiness(address, watching.signal);
    const running = episodes.map((files) => post(address, files, asked));
    const growth = grow(3);
    await Promise.any(running);
    await killEngine(one);
    for (const [i, { status, body }] of (await Promise.all(running)).entries()) {
      t.equal(status, 200, JSON.stringify(body));
      const furthest = distance(logProbs(body), logProbs(undisturbed[i]?.body as RewardResult));
      t.ok(furthest <= TOLERANCE, `episode ${i}: ${furthest} nats`);
    }
    await growth;
    const steps = [...(await grow(4)), ...(await grow(5))];
    t.ok(
      steps.every(({ tries, remembers }) => !remembers || tries === 1),
      'frames that the service remembers are not requested again',
    );
    t.ok(
      steps.some(({ tries, sent }) => tries === 2 && sent > 2),
      'a 409 names the frames that neither the service nor an engine has',
    );
    for (const { status } of await scoreAll()) t.equal(status, 200, 'the other server serves all');
    watching.abort();
    t.equal(await unready, 0, 'the service stays ready');

    const again = await startEngine(t, one.port);
    const until = Date.now() + 90_000;
    while ((await completed(again)) === 0 && Date.now() < until) {
      for (const [i, { status, body }] of (await scoreAll()).entries()) {
        t.equal(status, 200);
        t.ok(distance(logProbs(body), logProbs(undisturbed[i]?.body as RewardResult)) <= TOLERANCE);
      }
      await sleep(1000);
    }
    t.ok((await completed(again)) > 0, 'a server that comes back is used again');
    for (const frame of [6, 7]) await grow(frame);
    await killEngine(other);
    await killEngine(again);
  });
}

/** @returns how often the service was not ready */
async function watchReadiness(address: string, signal: AbortSignal): Promise<number> {
  let unready = 0;
  while (!signal.aborted) {
    const { status } = await fetch(`${address}/health/ready`);
    if (status !== 200) unready += 1;
    await sleep(100);
  }
  return unready;
}
