import { on, once } from 'node:events';
import { MessageChannel, type MessagePort, SHARE_ENV, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Arrival } from './arrivals.ts';
import type { VideoGrid } from './checkpoint.ts';
import { type Answer, BlocksUnknown, type Task } from './task.ts';

/** Options of the model thread. */
export interface ThreadOptions {
  /** folder of the exported checkpoint */
  folder: string;
  grid: VideoGrid;
  /** how many threads one call of onnxruntime may use */
  threads: number;
  /** limit of the block cache */
  cacheBytes: number;
}

/**
 * Messages from the service to the model thread: an episode with its port, or the request to finish and end. The frames
 * of an episode arrive over its port.
 */
export type ToThread = { task: Task; port: MessagePort } | 'close';

/** Messages from the model thread over an episode's port. */
export type FromThread = { answer: Answer } | { fault: string } | { known: number };

/** The model thread has ended, for any reason, and its unfinished work is lost. */
export class ThreadEnded extends Error {}

/** The model in a thread of its own, so that the event loop stays free while the model computes. */
export interface ModelThread {
  /** version of onnxruntime */
  onnxruntime: string;
  /** Resolves when the thread has ended, for any reason. */
  ended: Promise<void>;
  /**
   * Runs the queries of an episode and yields each result as it arrives. Leaving the iteration, or the signal, stops
   * the work.
   * @param arrivals the frames of the episode; their memory is transferred to the thread
   * @throws BlocksUnknown; ThreadEnded; Error if the model fails; AbortError; errors of the arrivals
   */
  answers(task: Task, arrivals: AsyncIterable<Arrival>, signal: AbortSignal): AsyncGenerator<Answer>;
  /** Waits for unfinished work, then ends the thread. */
  close(): Promise<void>;
}

/** Starts the model thread and waits until the model is open. @throws Error if the model cannot be opened */
export async function startThread(options: ThreadOptions, log: Logger): Promise<ModelThread> {
  // The thread sets an environment variable that the native library must see: see onnxruntime.ts.
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'model',
    workerData: options,
    env: SHARE_ENV,
  });
  const end = new AbortController();
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  // The event loop first delivers the answers that the thread sent before it ended.
  ended.then(() => setImmediate(() => end.abort()));
  const onnxruntime = await opened(worker, ended);
  // After an error the thread ends.
  worker.on('error', (error) => log.error({ err: error }, 'the model thread failed'));
  return {
    onnxruntime,
    ended,
    async *answers(task, arrivals, signal) {
      const { port1: port, port2 } = new MessageChannel();
      const failed = new AbortController();
      try {
        const stop = AbortSignal.any([signal, end.signal, failed.signal]);
        const messages = on(port, 'message', { signal: stop, close: ['close'] });
        worker.postMessage({ task, port: port2 } satisfies ToThread, [port2]);
        send(arrivals, port).catch((error) => failed.abort(error));
        let missing = task.queries.length;
        // worker.ts sends what it declares as FromThread, and nothing else.
        for await (const [message] of messages as AsyncIterable<[FromThread]>) {
          if ('fault' in message) throw new Error(message.fault);
          if ('known' in message) throw new BlocksUnknown(message.known);
          yield message.answer;
          missing -= 1;
          if (missing === 0) return;
        }
        throw new ThreadEnded('The model thread closed the port of the episode.');
      } catch (error) {
        if (failed.signal.aborted) throw failed.signal.reason;
        throw end.signal.aborted && !signal.aborted ? new ThreadEnded('The model thread has ended.') : error;
      } finally {
        port.close();
      }
    },
    async close() {
      worker.postMessage('close' satisfies ToThread);
      await ended;
    },
  };
}

/** Waits until the model is open. @returns the version of onnxruntime */
async function opened(worker: Worker, ended: Promise<void>): Promise<string> {
  const failed = ended.then(() => {
    throw new Error('The model thread ended before the model was open.');
  });
  const [message] = await Promise.race([once(worker, 'message'), failed]);
  const version: unknown = message?.onnxruntime;
  if (typeof version !== 'string') throw new Error('The first message of the model thread has another form.');
  return version;
}

async function send(arrivals: AsyncIterable<Arrival>, port: MessagePort): Promise<void> {
  for await (const arrival of arrivals)
    port.postMessage(arrival, arrival.pixels?.buffer instanceof ArrayBuffer ? [arrival.pixels.buffer] : []);
}
