/** Memory that a thread and its worker share. */
export type StopFlag = SharedArrayBuffer;

/** Makes a flag that is raised when the signal aborts. A worker that is busy computing receives no messages. */
export function stopFlag(signal: AbortSignal): StopFlag {
  const flag = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const raise = () => Atomics.store(new Int32Array(flag), 0, 1);
  if (signal.aborted) raise();
  else signal.addEventListener('abort', raise, { once: true });
  return flag;
}

/** @returns a function to call between the steps of long work; it throws Error if the flag is raised */
export function stopCheck(flag: StopFlag): () => void {
  const raised = new Int32Array(flag);
  return () => {
    if (Atomics.load(raised, 0) !== 0) throw new Error('The work was cancelled.');
  };
}
