import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Readable } from 'node:stream';
import { ProblemError, type ProblemPlace } from '../problems.ts';

/** A run of ffprobe or ffmpeg. */
export interface Tool {
  /** the standard output: stopping to read it stops the program too */
  output: Readable;
  /** file descriptor 3, where there is one */
  notes: Readable | undefined;
  /**
   * Waits for the end.
   * @returns undefined where all went well, else the last words, which are for the log only
   * @throws ProblemError video-timeout, video-too-large or server-busy; the signal's reason when it aborts
   */
  end(): Promise<Error | undefined>;
  /** Ends the program at once, whatever it is doing. */
  kill(): void;
}

/** How a program is run. */
export interface ToolOptions {
  /** of the upload: the program is started there */
  folder: string;
  /** of the program that limits others; undefined where there is none */
  prlimit: string | undefined;
  memoryBytes: number;
  timeoutS: number;
  /** the part or member that the video came in, for problems */
  place: ProblemPlace;
  signal: AbortSignal;
  /** opens file descriptor 3 for writing */
  notes?: boolean;
}

/** Enough of the last words for the log. */
const LAST_WORDS = 2000;
/** Seconds of all its threads together, for each second that a program may take: this ends one that has lost its service. */
const CPU_PER_SECOND = 8;
const OUT_OF_MEMORY = /cannot allocate memory|out of memory|error allocating|failed to allocate|bad_alloc/i;
/** Exit codes of a program that was not started, by prlimit or by the system's loader. */
const NOT_STARTED = [126, 127];
const RETRY_AFTER_S = 5;
/** A third of the time that a process of normal priority gets, where both want it all. */
const NICENESS = 5;

/**
 * A command that limits itself before it becomes the program: memory that it can write, no file that it writes, processor time,
 * no core dump.
 */
export function limitedCommand(
  file: string,
  args: string[],
  { prlimit, memoryBytes, timeoutS }: Pick<ToolOptions, 'prlimit' | 'memoryBytes' | 'timeoutS'>,
): [file: string, args: string[]] {
  if (prlimit === undefined) return [file, args];
  const cpu = Math.ceil(timeoutS * CPU_PER_SECOND);
  return [prlimit, [`--data=${memoryBytes}`, '--fsize=0', `--cpu=${cpu}`, '--core=0', '--', file, ...args]];
}

/** Starts a program without a shell, without an environment and without an input, for a limited time. */
export function startTool(file: string, args: string[], options: ToolOptions): Tool {
  const { folder, timeoutS, signal, notes, place } = options;
  const timeout = AbortSignal.timeout(timeoutS * 1000);
  const child = spawn(...limitedCommand(file, args, options), {
    cwd: folder,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', ...(notes ? ['pipe' as const] : [])],
    signal: AbortSignal.any([signal, timeout]),
    killSignal: 'SIGKILL',
  });
  lowerPriority(child);
  const ended = endOf(child);
  let words = '';
  let isKilled = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-LAST_WORDS);
  });
  return {
    output: child.stdout as Readable,
    notes: notes ? (child.stdio[3] as Readable) : undefined,
    async end() {
      const ending = await ended;
      signal.throwIfAborted();
      if (timeout.aborted) throw tooSlow(timeoutS, place);
      if (ending === 0) return undefined;
      const fault = new Error(words.trim() || `It ended with ${ending}.`);
      if (ending instanceof Error || NOT_STARTED.includes(ending as number)) throw notStarted(place, fault);
      if (isKilled) return fault;
      // The system kills what takes memory that it has not got.
      if (ending === 'SIGKILL' || OUT_OF_MEMORY.test(words)) throw tooMuchMemory(options, fault);
      return fault;
    },
    kill() {
      isKilled = true;
      child.kill('SIGKILL');
    },
  };
}

/** Whoever asks something else of the service is answered first. */
function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // It has ended already, or the system does not allow it.
  }
}

/** @returns its exit code, the signal that ended it, or why it could not be started */
function endOf(child: ChildProcess): Promise<number | string | Error> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? `${signal}`));
    // Aborting is told as an error too; the end comes after it. A program that cannot be started has no end.
    child.on('error', (error) => child.pid === undefined && resolve(error));
  });
}

function tooSlow(limit: number, place: ProblemPlace): ProblemError {
  const detail = `Reading the video took more than ${limit} s. Send a shorter range, fewer or smaller frames, or the frames themselves.`;
  return new ProblemError('video-timeout', detail, { ...place, limit });
}

function tooMuchMemory({ place, memoryBytes: limit }: ToolOptions, cause: Error): ProblemError {
  const detail = `Reading the video took more than ${limit} bytes of memory. Send smaller frames or a shorter file, or the frames themselves.`;
  return new ProblemError('video-too-large', detail, { ...place, limit }, cause);
}

function notStarted(place: ProblemPlace, cause: Error): ProblemError {
  const detail = 'The program that reads videos could not be started. Try again in a moment.';
  return new ProblemError('server-busy', detail, { ...place, retry_after_s: RETRY_AFTER_S }, cause);
}
