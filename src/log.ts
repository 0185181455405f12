import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import sonicBoom from 'sonic-boom';

/** The service's log, and how to end with it. */
export interface ServiceLog {
  log: Logger;
  /** Waits until all lines are written, at most a second: whoever reads them may be stuck or gone. */
  flushed(): Promise<void>;
}

/** Lines that wait to be written, characters. Further ones are dropped. */
const MOST_WAITING = 1024 * 1024;
const FLUSH_MS = 1000;

/**
 * A log that holds up nothing. Lines are written beside the work; where they cannot be (the disk is full, the reader is stuck or gone)
 * they wait in a bounded buffer and are dropped beyond it. Pino's own destination would end the process on a full disk, and wait
 * for ever at its end for a reader that does not read.
 * @param fd where lines go; standard output
 */
export function createLog(level: string, fd = 1): ServiceLog {
  const output = new sonicBoom.SonicBoom({ fd, sync: false, maxLength: MOST_WAITING });
  // The next line tries again.
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
