import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type ModelThread, ThreadEnded } from './thread.ts';

/** The model thread, restarted whenever it ends unexpectedly. */
interface ModelHost extends Pick<ModelThread, 'onnxruntime' | 'answers' | 'close'> {
  /** true while a thread is running */
  ready(): boolean;
  /** false after too many restarts in a row without a result: the thread is not restarted again. */
  alive(): boolean;
}

/** Pauses before the restarts in a row. A result in between resets the count. */
const PAUSES_MS = [100, 1_000, 5_000, 15_000, 60_000];

/**
 * Starts the model thread and restarts it whenever it ends unexpectedly.
 * @param start opens the model in a thread
 * @param pausesMs pauses before the restarts in a row; their number is the limit of restarts
 * @throws Error if the first start fails
 */
export async function hostModel(
  start: () => Promise<ModelThread>,
  log: Logger,
  pausesMs: readonly number[] = PAUSES_MS,
): Promise<ModelHost> {
  const closing = new AbortController();
  const { onnxruntime, ...first } = await start();
  let thread: Omit<ModelThread, 'onnxruntime'> | undefined = first;
  let tries = 0;
  let isAlive = true;

  async function watch(): Promise<void> {
    for (;;) {
      await thread?.ended;
      thread = undefined;
      if (closing.signal.aborted) return;
      const pause = pausesMs[tries];
      if (pause === undefined) break;
      tries += 1;
      log.warn({ tries }, 'the model thread ended; it is being restarted');
      await sleep(pause, undefined, { signal: closing.signal }).catch(() => {});
      if (closing.signal.aborted) return;
      thread = await start().catch((error) => void log.error({ err: error }, 'the model thread did not start'));
      if (closing.signal.aborted) await thread?.close();
    }
    isAlive = false;
    log.fatal('the model thread keeps ending; restart the service');
  }

  const watching = watch();
  return {
    onnxruntime,
    ready: () => thread !== undefined,
    alive: () => isAlive,
    async *answers(task, arrivals, signal) {
      if (!thread) throw new ThreadEnded('The model thread is being restarted.');
      for await (const answer of thread.answers(task, arrivals, signal)) {
        tries = 0;
        yield answer;
      }
    },
    async close() {
      closing.abort();
      await thread?.close();
      await watching;
    },
  };
}
