import { on, once } from 'node:events';
import { MessageChannel, type MessagePort, SHARE_ENV, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
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

/** What the service tells the model's thread: an episode and the port for its answers, or to finish and end. */
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
   * @param task its frames' memory goes over to the thread
   * @throws BlocksUnknown; ThreadEnded; Error when the model fails; AbortError
   */
  answers(task: Task, signal: AbortSignal): AsyncGenerator<Answer>;
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
    async *answers(task, signal) {
      const { port1: port, port2 } = new MessageChannel();
      try {
        const messages = on(port, 'message', { signal: AbortSignal.any([signal, end.signal]), close: ['close'] });
        worker.postMessage({ task, port: port2 } satisfies ToThread, [port2, ...framesOf(task)]);
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

function framesOf({ blocks, questions }: Task): ArrayBuffer[] {
  const all = [...blocks, ...questions.flatMap(({ own }) => own ?? [])];
  return [...new Set(all.flatMap(({ frames }) => (frames ?? []).map((frame) => frame.buffer as ArrayBuffer)))];
}
