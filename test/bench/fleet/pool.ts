import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../pool/engines.ts';
import { type Program, startProgram } from '../support.ts';

const CONFIGURATION = join(fileURLToPath(new URL('../../../', import.meta.url)), 'docker/vllm/haproxy.cfg');
const START_MS = 20_000;

/** Engines that respond immediately, and what is in front of them. */
export interface Pool {
  /** for `ENGINE_URL` */
  url: string;
  engines: Program[];
  /** HAProxy, if there are several engines */
  router?: Program;
  stop(): Promise<void>;
}

/**
 * Starts one engine, or two behind HAProxy with the configuration of docker/vllm.
 * @param env settings of instant-engine.ts
 */
export async function startPool(count: 1 | 2, env: Record<string, string>): Promise<Pool> {
  const engines: Program[] = [];
  for (let i = 0; i < count; i += 1) engines.push(await startProgram('test/bench/instant-engine.ts', env));
  const [first, second] = engines;
  const router = first && second && (await startRouter(first, second));
  const url = router?.url ?? first?.url ?? '';
  const stop = async () => {
    for (const program of [...(router ? [router] : []), ...engines]) await program.stop();
  };
  return { url, engines, ...(router && { router }), stop };
}

async function startRouter(first: Program, second: Program): Promise<Program> {
  const bind = `127.0.0.1:${await freePort()}`;
  const addresses = { BIND: bind, ENGINE_0: new URL(first.url).host, ENGINE_1: new URL(second.url).host };
  const env = { ...process.env, ...addresses };
  const child = spawn('haproxy', ['-f', CONFIGURATION], { env, stdio: ['ignore', 'ignore', 'ignore'] });
  const ended = once(child, 'exit');
  const kill = () => child.kill();
  process.once('exit', kill);
  const url = `http://${bind}`;
  const until = performance.now() + START_MS;
  while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null || performance.now() > until) throw new Error('HAProxy did not start.');
    await sleep(50);
  }
  return {
    url,
    pid: child.pid as number,
    async stop() {
      process.off('exit', kill);
      kill();
      await ended;
    },
  };
}
