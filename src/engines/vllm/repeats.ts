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
 * Repeats a query if that can help: once, with all data, after a lost item or a failure; a few times, with pauses, if the engine is busy
 * or cannot be reached. Behind a router, another engine then responds, and it knows no item.
 * @param resending is called before each repeat with all data
 * @param restore gives the items of the episode to the engine again, if that is not done since `lostAt`. Without it, a query that was
 * lost is repeated with all data.
 * @throws EngineFault; the signal's reason when it aborts
 */
export async function withRepeats<Answer>(
  send: (withAllData: boolean) => Promise<Answer>,
  { resending, restore, signal }: Repeating,
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
        const lostAt = performance.now();
        await lostPause(lost, signal);
        lost += 1;
        if (restore) {
          await restore(lostAt);
          continue;
        }
      } else if (withAllData || !['cache-miss', 'internal'].includes(error.kind)) {
        throw error;
      }
      withAllData = true;
      resending();
    }
  }
}

interface Repeating {
  resending: () => void;
  restore?: ((lostAt: number) => Promise<void>) | undefined;
  signal: AbortSignal;
}

/**
 * Makes a function that runs `again` at most once after each loss, however many queries were lost together.
 * @param again rejects if the items cannot be given to the engine
 */
export function onceAfterLoss(again: () => Promise<unknown>): (lostAt: number) => Promise<void> {
  let doneAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  const run = async () => {
    const began = performance.now();
    await again();
    doneAt = began;
  };
  return async (lostAt) => {
    if (doneAt > lostAt) return;
    running ??= run().finally(() => {
      running = undefined;
    });
    await running;
  };
}

function isLost(error: unknown, before: number): boolean {
  return error instanceof EngineFault && error.kind === 'unreachable' && before < LOST_PAUSES_MS.length;
}

const lostPause = (before: number, signal: AbortSignal) => pause(LOST_PAUSES_MS[before] ?? 0, signal);

/** Waits for between half of the time and all of it, so that many requests do not return together. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => signal.throwIfAborted());
}
