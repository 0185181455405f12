import { type ChildProcess, type IOType, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { Readable } from 'node:stream';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import { RETRY_AFTER_S } from '../problems/retry-after.ts';

/** A run of ffprobe or ffmpeg. */
interface Tool {
  /** the standard output; if nobody reads it, the program stops too */
  output: Readable;
  /**
   * Waits for the end.
   * @returns undefined after success; otherwise an error with the end of the program's error output, for the log only
   * @throws ProblemError video-timeout, video-too-large or server-busy; the signal's reason when it aborts
   */
  end(): Promise<Error | undefined>;
  /** Kills the program at once. */
  kill(): void;
}

/** How to run a program. */
export interface ToolOptions {
  /** folder of the upload: the working folder of the program */
  folder: string;
  /** path of prlimit, which limits the program; undefined if it is not available */
  prlimit: string | undefined;
  /** limit of the program's memory */
  memoryBytes: number;
  /** limit of its run time, in seconds */
  timeoutS: number;
  /** the part or member that contains the video, for problems */
  place: ProblemPlace;
  signal: AbortSignal;
}

/** How many characters of the error output are kept for the log, from its end. */
const LAST_WORDS = 2000;
/**
 * Limit of processor time over all threads, in seconds for each second of run time. It ends a program whose service has
 * been killed.
 */
const CPU_PER_SECOND = 8;
const OUT_OF_MEMORY = /cannot allocate memory|out of memory|error allocating|failed to allocate|bad_alloc/i;
/** Exit codes that mean that the program was not started: from prlimit, or from the system's loader. */
const NOT_STARTED = new Set<unknown>([126, 127]);
/**
 * With this niceness a process gets a third of the time of a process of normal priority when both compete for a core.
 */
const NICENESS = 5;

/**
 * Makes a command that sets limits before it runs the program: writable memory, processor time, no written files, no
 * core dump. Without prlimit the command is the program itself.
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

/**
 * Starts a program for a limited time: without a shell, without environment variables, and without input.
 * @throws ProblemError server-busy if the system has no file descriptors left
 */
export function startTool(file: string, args: string[], options: ToolOptions): Tool {
  return start(file, args, options, ['pipe', 'pipe']).tool;
}

/** Starts a program that can also write to file descriptor 3, as `notes`. @throws ProblemError as startTool does */
export function startToolWithNotes(file: string, args: string[], options: ToolOptions): Tool & { notes: Readable } {
  const { child, tool } = start(file, args, options, ['pipe', 'pipe', 'pipe']);
  const notes = child.stdio[3];
  if (!(notes instanceof Readable)) throw new Error('File descriptor 3 of the program is not a pipe.');
  return { ...tool, notes };
}

function start(file: string, args: string[], options: ToolOptions, outputs: IOType[]) {
  const { folder, timeoutS, signal, place } = options;
  const timeout = AbortSignal.timeout(timeoutS * 1000);
  const child = spawn(...limitedCommand(file, args, options), {
    cwd: folder,
    env: {},
    stdio: ['ignore', ...outputs],
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
  const { stdout: output } = child;
  if (!output) throw notStarted(place, new Error('There are no file descriptors left for the program.'));
  const tool: Tool = {
    output,
    async end() {
      const ending = await ended;
      signal.throwIfAborted();
      if (timeout.aborted) throw tooSlow(timeoutS, place);
      if (ending === 0) return undefined;
      const fault = new Error(words.trim() || `The program ended with ${ending}.`);
      if (ending instanceof Error || NOT_STARTED.has(ending)) throw notStarted(place, fault);
      if (isKilled) return fault;
      // The system kills a program when memory runs out.
      if (ending === 'SIGKILL' || OUT_OF_MEMORY.test(words)) throw tooMuchMemory(options, fault);
      return fault;
    },
    kill() {
      isKilled = true;
      child.kill('SIGKILL');
    },
  };
  return { child, tool };
}

/** Lowers the priority of a program, so that other requests get their responses first. */
function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // The program has already ended, or the system does not allow it.
  }
}

/** @returns the exit code, the signal that ended the program, or the error that prevented its start */
function endOf(child: ChildProcess): Promise<number | string | Error> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? `${signal}`));
    // An abort is also reported as an error, and `close` follows it. A program that cannot be started has no `close`.
    child.on('error', (error) => child.pid === undefined && resolve(error));
  });
}

function tooSlow(limit: number, place: ProblemPlace): ProblemError {
  const detail = `Reading the video took more than ${limit} s. Send a shorter time range, fewer or smaller frames, or the frames as images.`;
  return new ProblemError('video-timeout', detail, { ...place, limit });
}

function tooMuchMemory({ place, memoryBytes: limit }: ToolOptions, cause: Error): ProblemError {
  const detail = `Reading the video needs more than ${limit} bytes of memory. Send smaller frames, a shorter file, or the frames as images.`;
  return new ProblemError('video-too-large', detail, { ...place, limit }, cause);
}

function notStarted(place: ProblemPlace, cause: Error): ProblemError {
  const detail = 'The program that reads videos could not be started. Try again in a moment.';
  return new ProblemError('server-busy', detail, { ...place, retry_after_s: RETRY_AFTER_S.machine }, cause);
}
