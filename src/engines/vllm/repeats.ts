import { setTimeout as sleep } from 'node:timers/promises';
import { EngineFault } from './faults.ts';

/** Pauses before each repeat after a broken connection, in ms. A router needs some time, or some failures, to leave an engine out. */
const LOST_PAUSES_MS = [200, 500, 1000];

const BUSY_TRIES = 5;
const BUSY_PAUSE_MS = 100;

/**
 * Sends a request that may reach another engine each time, and repeats it after broken connections.
 * @throws EngineFault; the signal's reason when it aborts
 */
export async function untilReached<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  for (let lost = 0; ; lost += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isLost(error, lost)) throw error;
      await lostPause(lost, signal);
    }
  }
}

/**
 * Repeats a query if that can help: once, with all data, after a lost item or a failure; a few times, with pauses, if the engine is busy,
 * and with all data if it cannot be reached. Behind a router, another engine then responds, and it knows no item.
 * @param resending is called before each repeat with all data
 * @throws EngineFault; the signal's reason when it aborts
 */
export async function withRepeats<Answer>(
  send: (withAllData: boolean) => Promise<Answer>,
  resending: () => void,
  signal: AbortSignal,
): Promise<Answer> {
  let withAllData = false;
  let lost = 0;
  for (let busy = 1; ; ) {
    try {
      return await send(withAllData);
    } catch (error) {
      if (!(error instanceof EngineFault)) throw error;
      if (error.kind === 'busy' && busy < BUSY_TRIES) {
        await pause(BUSY_PAUSE_MS * 2 ** busy, signal);
        busy += 1;
        continue;
      }
      if (isLost(error, lost)) {
        await lostPause(lost, signal);
        lost += 1;
      } else if (withAllData || !['cache-miss', 'internal'].includes(error.kind)) {
        throw error;
      }
      withAllData = true;
      resending();
    }
  }
}

function isLost(error: unknown, before: number): boolean {
  return error instanceof EngineFault && error.kind === 'unreachable' && before < LOST_PAUSES_MS.length;
}

const lostPause = (before: number, signal: AbortSignal) => pause(LOST_PAUSES_MS[before] ?? 0, signal);

/** Waits for between half of the time and all of it, so that many requests do not return together. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => signal.throwIfAborted());
}
