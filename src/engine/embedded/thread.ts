import { on, once } from 'node:events';
import { MessageChannel, type MessagePort, SHARE_ENV, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Arrival } from './arrivals.ts';
import type { VideoGrid } from './checkpoint.ts';
import { type Answer, BlocksUnknown, type Task } from './task.ts';

export interface ThreadOptions {
  /** of the exported checkpoint */
  folder: string;
  grid: VideoGrid;
  /** that one call of onnxruntime may use */
  threads: number;
  cacheBytes: number;
}

/**
 * What the service tells the model's thread: an episode and a port, or to finish and end. Arrivals come over an episode's port.
 */
export type ToThread = { task: Task; port: MessagePort } | 'close';

/** What comes back over an episode's port. */
export type FromThread = { answer: Answer } | { fault: string } | { known: number };

/** The model’s thread has ended, for whatever reason, and the work in hand with it. */
export class ThreadEnded extends Error {}

/** The model, in a thread of its own: the event loop stays free while it computes. */
export interface ModelThread {
  onnxruntime: string;
  /** Resolves when the thread has ended, for whatever reason. */
  ended: Promise<void>;
  /**
   * Answers the questions of an episode as they come. Leaving the iteration, or the signal, stops the work.
   * @param arrivals its frames, whose memory goes over to the thread
   * @throws BlocksUnknown; ThreadEnded; Error when the model fails; AbortError; what the arrivals throw
   */
  answers(task: Task, arrivals: AsyncIterable<Arrival>, signal: AbortSignal): AsyncGenerator<Answer>;
  /** Lets the work in hand end first. */
  close(): Promise<void>;
}

/** @throws Error when the model cannot be opened */
export async function startThread(options: ThreadOptions, log: Logger): Promise<ModelThread> {
  // What the thread sets in the environment must reach the native library: see onnxruntime.ts.
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'model',
    workerData: options,
    env: SHARE_ENV,
  });
  const end = new AbortController();
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  ended.then(() => end.abort());
  const onnxruntime = await opened(worker, ended);
  // It ends the thread.
  worker.on('error', (error) => log.error({ err: error }, 'the model’s thread failed'));
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
        let missing = task.questions.length;
        for await (const [message] of messages as AsyncIterable<[FromThread]>) {
          if ('fault' in message) throw new Error(message.fault);
          if ('known' in message) throw new BlocksUnknown(message.known);
          yield message.answer;
          missing -= 1;
          if (missing === 0) return;
        }
        throw new ThreadEnded('The model’s thread closed the connection.');
      } catch (error) {
        if (failed.signal.aborted) throw failed.signal.reason;
        throw end.signal.aborted && !signal.aborted ? new ThreadEnded('The model’s thread has ended.') : error;
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
    throw new Error('The model’s thread ended before the model was open.');
  });
  const [{ onnxruntime }] = (await Promise.race([once(worker, 'message'), failed])) as [{ onnxruntime: string }];
  return onnxruntime;
}

async function send(arrivals: AsyncIterable<Arrival>, port: MessagePort): Promise<void> {
  for await (const arrival of arrivals)
    port.postMessage(arrival, arrival.pixels ? [arrival.pixels.buffer as ArrayBuffer] : []);
}
