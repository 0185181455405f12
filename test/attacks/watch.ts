import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a watcher has measured. */
export interface Watched {
  /** time from request to response of each check, ms, in ascending order */
  liveMs: number[];
  /** checks whose status was not 200 */
  failed: number;
  /** peak memory of the service and its children, bytes */
  peakBytes: number;
}

const LOOK_EVERY_MS = 100;
const MEMORY_EVERY_MS = 20;
/** A check that takes longer has failed. */
const PATIENCE_MS = 10_000;

/** Requests /health/live every 100 ms, without waiting for earlier responses, until the parent sends `stop`. */
async function watch(address: string, pid: number): Promise<Watched> {
  const liveMs: number[] = [];
  let failed = 0;
  let going = true;
  process.once('message', () => {
    going = false;
  });
  // The kernel records the peak memory, so peaks between two readings are not missed. Writing 5 resets the record.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  let peakBytes = 0;
  const looks: Promise<void>[] = [];
  const look = async () => {
    const sent = performance.now();
    try {
      const answer = await fetch(`${address}/health/live`, { signal: AbortSignal.timeout(PATIENCE_MS) });
      await answer.arrayBuffer();
      if (!answer.ok) failed += 1;
    } catch {
      failed += 1;
    }
    liveMs.push(performance.now() - sent);
  };
  process.send?.('watching');
  let due = performance.now();
  while (going) {
    if (performance.now() >= due) {
      looks.push(look());
      due += LOOK_EVERY_MS;
    }
    peakBytes = Math.max(peakBytes, peakOf(pid) + childrenOf(pid).reduce((sum, child) => sum + residentOf(child), 0));
    await sleep(MEMORY_EVERY_MS);
  }
  await Promise.all(looks);
  return { liveMs: liveMs.sort((a, b) => a - b), failed, peakBytes };
}

const peakOf = (pid: number) => statusOf(pid, 'VmHWM');
const residentOf = (pid: number) => statusOf(pid, 'VmRSS');

/** @returns bytes; 0 for a process that has ended */
function statusOf(pid: number, name: string): number {
  try {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

const [, , address, pid] = process.argv as [string, string, string, string];
process.send?.(await watch(address, Number(pid)));
process.disconnect();
