/** After how many seconds a caller may try again (`retry_after_s` and `Retry-After`), by what it waits for. */
export const RETRY_AFTER_S = {
  /** a place in the queue or memory for an upload: other requests end all the time */
  place: 2,
  /** a machine that is so busy that a time limit passed, or that lacks memory or disk */
  machine: 5,
  /** a vLLM that is busy or does not respond: the monitor checks it again meanwhile */
  vllm: 5,
  /** the thread of the embedded model, which is started again at once */
  modelThread: 1,
} as const;
