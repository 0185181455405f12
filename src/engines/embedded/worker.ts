import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { lowerThreadPriority } from '../../process/low-priority.ts';
import { type Arrival, createArrivals } from './arrivals.ts';
import { createBlockCache } from './cache.ts';
import { openModel } from './model.ts';
import { answerTask } from './pass.ts';
import { createPasts } from './past.ts';
import { BlocksUnknown, type Task } from './task.ts';
import type { FromThread, ThreadOptions, ToThread } from './thread.ts';

// The model runs in a thread of its own, because calls of onnxruntime-node block although they return promises.

/**
 * Most new tokens of one call. Larger calls are hardly faster and delay an abort. Smaller calls read the past more
 * often. All queries in one call read as much of the past as the longest of them.
 */
const CHUNK = { blocks: 384, queries: 256 };

const { folder, grid, threads, cacheBytes }: ThreadOptions = workerData;
if (!parentPort) throw new Error('The model runs in a worker thread only.');
const service = parentPort;

// This must come first, so that the threads of onnxruntime inherit the priority.
lowerThreadPriority();
const model = await openModel(folder, grid, threads);
const cache = createBlockCache(cacheBytes);
const pasts = createPasts(model.width);
const context = { model, grid, cache, pasts, chunk: CHUNK };
const working = new Set<Promise<void>>();

/** Scores one episode over its own port, until the other side closes the port. */
async function work(task: Task, port: MessagePort): Promise<void> {
  const gone = new AbortController();
  const arrivals = createArrivals();
  port.on('message', (arrival: Arrival) => arrivals.put(arrival));
  port.once('close', () => {
    gone.abort();
    arrivals.end(gone.signal.reason);
  });
  try {
    for await (const answer of answerTask(task, arrivals, context, gone.signal))
      port.postMessage({ answer } satisfies FromThread);
  } catch (error) {
    if (!gone.signal.aborted) port.postMessage(failure(error));
  } finally {
    port.close();
  }
}

function failure(error: unknown): FromThread {
  if (error instanceof BlocksUnknown) return { known: error.known };
  return { fault: error instanceof Error ? error.message : String(error) };
}

service.on('message', async (message: ToThread) => {
  if (message !== 'close') {
    const done = work(message.task, message.port).finally(() => working.delete(done));
    working.add(done);
    return;
  }
  await Promise.all(working);
  await model.close();
  service.close();
});
service.postMessage({ onnxruntime: model.onnxruntime });
