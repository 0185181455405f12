import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type ModelThread, ThreadEnded } from './thread.ts';

/** The model's thread, started anew whenever it ends on its own. */
export interface ModelHost extends Pick<ModelThread, 'onnxruntime' | 'answers' | 'close'> {
  /** Whether a thread is there to answer. */
  ready(): boolean;
  /** false once it has ended again and again without an answer: it is not started any more. */
  alive(): boolean;
}

/** Before each further start. An answer given in between makes the next one the first again. */
const PAUSES_MS = [100, 1_000, 5_000, 15_000, 60_000];

/**
 * @param start opens the model in a thread
 * @param pausesMs one for each start that is tried in a row
 * @throws Error when the first start fails
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
      log.warn({ tries }, 'the model’s thread has ended; it is started anew');
      await sleep(pause, undefined, { signal: closing.signal }).catch(() => {});
      if (closing.signal.aborted) return;
      thread = await start().catch((error) => void log.error({ err: error }, 'the model’s thread did not start'));
      if (closing.signal.aborted) await thread?.close();
    }
    isAlive = false;
    log.fatal('the model’s thread ends again and again; the service must be restarted');
  }

  const watching = watch();
  return {
    onnxruntime,
    ready: () => thread !== undefined,
    alive: () => isAlive,
    async *answers(task, arrivals, signal) {
      if (!thread) throw new ThreadEnded('The model’s thread is being started anew.');
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
