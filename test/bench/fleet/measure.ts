import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { cpuMs, machineCpuMs, mainThreadCpuMs, peakMemoryMiB, startService } from '../support.ts';
import type { Request } from './fleet.ts';
import type { Pool } from './pool.ts';
import type { Plan } from './robots.ts';

const CLIENT = fileURLToPath(new URL('./client.ts', import.meta.url));
/** Time limit of a request, s: a finished episode that takes longer would never be done before the next. */
const DEADLINE_S = 20;
/** Requests to one engine at once, as in docs/how-to/several-engines.md. */
const CONCURRENCY = 32;

/** CPU time in ms. `main` is the service's main thread, a part of `service`. `engines` has one number for each engine. `machine` is the sum of all programs. */
export interface Cpu {
  service: number;
  main: number;
  engines: number[];
  router: number;
  client: number;
  machine: number;
}

/** What a fleet did, and what it cost. */
export interface Measured {
  requests: Request[];
  /** until the last response, s */
  seconds: number;
  cpu: Cpu;
  /** of the service */
  peakMiB: number;
}

/** Runs a fleet against a new service, because the peak memory of a process cannot be reset. */
export async function measure(pool: Pool, plan: Omit<Plan, 'url'>): Promise<Measured> {
  const count = pool.engines.length;
  const service = await startService(pool.url, {
    DEADLINE_S: `${DEADLINE_S}`,
    ENGINE_REPLICAS: `${count}`,
    ENGINE_CONCURRENCY: `${CONCURRENCY * count}`,
  });
  const client = fork(CLIENT, { serialization: 'advanced' });
  const kill = () => client.kill();
  process.once('exit', kill);
  try {
    client.send({ ...plan, url: service.url });
    await messageOf(client);
    const pids = { service: service.pid, engines: pool.engines.map(({ pid }) => pid), router: pool.router?.pid };
    const read = (): Cpu => ({
      service: cpuMs(pids.service),
      main: mainThreadCpuMs(pids.service),
      engines: pids.engines.map(cpuMs),
      router: pids.router === undefined ? 0 : cpuMs(pids.router),
      client: cpuMs(client.pid as number),
      machine: machineCpuMs(),
    });
    const before = read();
    const started = performance.now();
    client.send('begin');
    const requests = (await messageOf(client)) as Request[];
    const seconds = (performance.now() - started) / 1000;
    return { requests, seconds, cpu: difference(read(), before), peakMiB: peakMemoryMiB(service.pid) };
  } finally {
    process.off('exit', kill);
    kill();
    await service.stop();
  }
}

/** @throws Error if the process ends without a message */
async function messageOf(client: ChildProcess): Promise<unknown> {
  const done = new AbortController();
  const { signal } = done;
  const ended = once(client, 'exit', { signal }).then(() => {
    throw new Error('The process of the fleet ended.');
  });
  ended.catch(() => {});
  try {
    const [message] = await Promise.race([once(client, 'message', { signal }), ended]);
    return message;
  } finally {
    done.abort();
  }
}

function difference(after: Cpu, before: Cpu): Cpu {
  return {
    service: after.service - before.service,
    main: after.main - before.main,
    engines: after.engines.map((ms, i) => ms - (before.engines[i] ?? 0)),
    router: after.router - before.router,
    client: after.client - before.client,
    machine: after.machine - before.machine,
  };
}
