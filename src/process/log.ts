import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import sonicBoom from 'sonic-boom';

/** The log of the service. */
interface ServiceLog {
  log: Logger;
  /** Waits until all lines are written, at most 1 s: the program that reads them may be stuck or gone. */
  flushed(): Promise<void>;
}

/** How many characters of log lines may wait to be written. Further lines are dropped. */
const MOST_WAITING = 1024 * 1024;
const FLUSH_MS = 1000;

/**
 * Creates a log that never blocks the service. If lines cannot be written (the disk is full, the reader is stuck or gone), they
 * wait in a bounded buffer, and further lines are dropped. Pino's own destination would end the process on a full disk, and
 * would wait forever for a reader that does not read when the process ends.
 * @param fd file descriptor for the lines; by default standard output
 */
export function createLog(level: string, fd = 1): ServiceLog {
  const output = new sonicBoom.SonicBoom({ fd, sync: false, maxLength: MOST_WAITING });
  // Ignored: the next line tries to write again.
  output.on('error', () => {});
  const log = pino({ level }, { write: (line: string) => void output.write(line) });
  return {
    log,
    async flushed() {
      const written = new Promise<void>((resolve) => output.flush(() => resolve()));
      await Promise.race([written, sleep(FLUSH_MS)]);
    },
  };
}
