/** Memory that a thread and its worker share. */
export type StopFlag = SharedArrayBuffer;

/** @returns raised when the signal aborts: a worker that is busy hears of nothing else */
export function stopFlag(signal: AbortSignal): StopFlag {
  const flag = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const raise = () => Atomics.store(new Int32Array(flag), 0, 1);
  if (signal.aborted) raise();
  else signal.addEventListener('abort', raise, { once: true });
  return flag;
}

/** @returns to be called between steps of long work. @throws Error when the flag is raised */
export function stopCheck(flag: StopFlag): () => void {
  const raised = new Int32Array(flag);
  return () => {
    if (Atomics.load(raised, 0) !== 0) throw new Error('Nobody waits for this any more.');
  };
}
