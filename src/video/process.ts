import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ProblemError } from '../problems.ts';

/** A run of ffprobe or ffmpeg. */
export interface Tool {
  /** the standard output: stopping to read it stops the program too */
  output: Readable;
  /** file descriptor 3, where there is one */
  notes: Readable | undefined;
  /**
   * Waits for the end.
   * @returns undefined where all went well, else the last words, which are for the log only
   * @throws ProblemError video-timeout; the signal's reason when it aborts
   */
  end(): Promise<Error | undefined>;
  /** Ends the program at once, whatever it is doing. */
  kill(): void;
}

/** How a program is run. */
export interface ToolOptions {
  /** of the upload: the program is started there */
  folder: string;
  timeoutS: number;
  signal: AbortSignal;
  /** opens file descriptor 3 for writing */
  notes?: boolean;
}

/** Enough of the last words for the log. */
const LAST_WORDS = 2000;

/** Starts a program without a shell, without an environment and without an input, for a limited time. */
export function startTool(file: string, args: string[], { folder, timeoutS, signal, notes }: ToolOptions): Tool {
  const timeout = AbortSignal.timeout(timeoutS * 1000);
  const child = spawn(file, args, {
    cwd: folder,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', ...(notes ? ['pipe' as const] : [])],
    signal: AbortSignal.any([signal, timeout]),
    killSignal: 'SIGKILL',
  });
  const ended = endOf(child);
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-LAST_WORDS);
  });
  return {
    output: child.stdout as Readable,
    notes: notes ? (child.stdio[3] as Readable) : undefined,
    async end() {
      const fault = await ended;
      signal.throwIfAborted();
      if (timeout.aborted) throw tooSlow(timeoutS);
      if (fault === 0) return undefined;
      return new Error(words.trim() || `It ended with ${fault}.`);
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/** @returns its exit code, or why there is none */
function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? `${signal}`));
    // Aborting is told as an error too; the end comes after it. A program that cannot be started has no end.
    child.on('error', (error) => child.pid === undefined && resolve(error.message));
  });
}

function tooSlow(limit: number): ProblemError {
  const detail = `Reading the video took more than ${limit} s. Send a shorter range, fewer or smaller frames, or the frames themselves.`;
  return new ProblemError('video-timeout', detail, { part: 'video', limit });
}
