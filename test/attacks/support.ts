import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { launch, postEpisode, type Server } from '../support/server.ts';
import type { Watched } from './watch.ts';

const MiB = 1024 * 1024;
const WATCH = fileURLToPath(new URL('./watch.ts', import.meta.url));

/** Limits that the service must keep during an attack. */
export interface Bounds {
  /** time of a response of /health/live, ms */
  p99Ms?: number;
  worstMs?: number;
  /** highest memory of the service and its children, minus its memory before the attack, MiB */
  addedMiB: number;
  /** longest time of a normal request, ms */
  normalMs?: number;
}

export interface Attack {
  /** variables of the service besides the defaults: the embedded engine, one thread each */
  env?: Record<string, string>;
  /** API key of normal requests, if the service requires keys */
  key?: string;
  bounds: Bounds;
  /** Attacks the service, and checks the responses to the attack. */
  attack(server: Server): Promise<void>;
}

/** Shortest time of a measurement. */
const WATCH_MS = 30_000;
const BETWEEN_NORMAL_MS = 250;

/** Other work on the machine can spoil one measurement. A service that is not robust exceeds its bounds each time. */
const TRIES = 2;

/** The measured figures, and the bounds that they exceed. */
interface Measured {
  figures: string;
  faults: string[];
}

/**
 * Attacks a real service, which runs in a process of its own, for at least 30 s. Meanwhile another process requests
 * /health/live, and normal requests continue. The figures are printed and compared with the bounds. If a bound is exceeded,
 * the attack is repeated once.
 */
export async function underAttack(t: Test, attack: Attack): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const { figures, faults } = await measure(t, attack);
    t.comment(figures);
    if (faults.length > 0 && tried < TRIES) continue;
    t.same(faults, [], `every bound is kept: ${figures}`);
    return;
  }
}

async function measure(t: Test, { env = {}, key, bounds, attack }: Attack): Promise<Measured> {
  const server = await launch(t, { LOG_LEVEL: 'info', ...env });
  if ('code' in server) throw new Error(`The service ended with ${server.code}: ${server.lines} ${server.errors}`);
  const normal = () => normalRequest(server.address, key);
  // Modules and buffers that the first requests need are loaded before memory is compared.
  await normal();
  await normal();
  const before = residentBytes(server.process.pid as number);
  const watcher = fork(WATCH, [server.address, String(server.process.pid)], { env: { ...process.env, TAP: '' } });
  t.teardown(() => watcher.kill());
  await once(watcher, 'message');
  const until = performance.now() + WATCH_MS;
  let attacking = true;
  const attacked = attack(server).finally(() => {
    attacking = false;
  });
  const normalMs: number[] = [];
  const normals = (async () => {
    while (attacking || performance.now() < until) {
      normalMs.push(await normal());
      await sleep(BETWEEN_NORMAL_MS);
    }
  })();
  await Promise.all([attacked, normals]);
  const watched = await stop(watcher);
  t.equal(watched.failed, 0, 'every request of /health/live succeeds');
  t.equal(server.process.exitCode, null, 'the service still runs');
  return hold(watched, { before, normalMs }, bounds);
}

async function stop(watcher: ChildProcess): Promise<Watched> {
  const told = once(watcher, 'message');
  watcher.send('stop');
  const [watched] = await told;
  return watched as Watched;
}

function hold(
  { liveMs, peakBytes }: Watched,
  { before, normalMs }: { before: number; normalMs: number[] },
  { p99Ms = 100, worstMs = 500, addedMiB, normalMs: slowest = 5_000 }: Bounds,
): Measured {
  const p99 = liveMs[Math.ceil(liveMs.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY;
  const worst = liveMs.at(-1) ?? Number.POSITIVE_INFINITY;
  const added = (peakBytes - before) / MiB;
  const normal = Math.max(...normalMs);
  const tenth = (value: number) => Math.round(value * 10) / 10;
  const figures = `/health/live ${liveMs.length} requests, p99 ${tenth(p99)} ms, worst ${tenth(worst)} ms; memory ${tenth(before / MiB)} + ${tenth(added)} MiB; ${normalMs.length} normal requests, worst ${tenth(normal)} ms`;
  const faults = [
    p99 > p99Ms && `p99 of /health/live is more than ${p99Ms} ms`,
    worst > worstMs && `the slowest /health/live takes more than ${worstMs} ms`,
    added > addedMiB && `memory grows by more than ${addedMiB} MiB`,
    normal > slowest && `a normal request takes more than ${slowest} ms`,
  ];
  return { figures, faults: faults.filter((fault) => fault !== false) };
}

/** @returns its duration, ms */
async function normalRequest(address: string, key?: string): Promise<number> {
  const started = performance.now();
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const { status, body } = await postEpisode(address, 4, {}, { headers });
  if (status !== 200) throw new Error(`A normal request has status ${status}: ${JSON.stringify(body)}`);
  return performance.now() - started;
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
